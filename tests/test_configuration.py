"""Configuration as it arrives in Spark: who wins, what is refused, what changes the log."""

import json

import pytest
import runs
from test_bad_input import refused

SHOWS = "s3://bkt/jobs/shows.py"
NAMES = ["spark.x.both", "spark.x.application", "spark.x.run", "spark.x.submit", "spark.hadoop.fs.s3a.threads.max"]
# Per classification up to 7.x, per property from emr-spark-8.1.0 on.
APPLICATION = {"emr-7.13.0": "-", "emr-spark-8.1.0": "application"}


def classified(**classifications: dict[str, str]) -> list[dict]:
    """The API's list: underscores in the names for dashes."""
    pairs = classifications.items()
    return [{"classification": name.replace("_", "-"), "properties": properties} for name, properties in pairs]


def overrides(**classifications: dict[str, str]) -> dict:
    """`configurationOverrides` with the logs of `runs.start`."""
    logs = {"s3MonitoringConfiguration": {"logUri": "s3://bkt/logs/"}}
    return {"applicationConfiguration": classified(**classifications), "monitoringConfiguration": logs}


@pytest.fixture(scope="module")
def shown(up) -> dict[str, runs.Run]:
    """One run of each kind of merge, at the same time."""
    of_application = classified(
        spark_defaults={"spark.x.both": "application", "spark.x.application": "application"},
        core_site={"fs.s3a.threads.max": "7"},
        spark_driver_log4j2={"rootLogger.level": "error"},
    )
    of_run = overrides(
        spark_defaults={"spark.x.both": "run", "spark.x.run": "run", "spark.x.submit": "run"},
        spark_driver_log4j2={"rootLogger.level": "warn", "logger.b.name": "org.apache.spark.SparkContext", "logger.b.level": "debug"},
        spark_executor_log4j2={"rootLogger.level": "debug"},
    )
    started = {}
    for label in APPLICATION:
        application = runs.application(up, label, runtimeConfiguration=of_application)
        spark = runs.parameters() + " \\\n --conf spark.x.submit=submit \\\n"
        arguments = [f"s3://bkt/output/text/{label}/", *NAMES]
        started[label] = runs.start(up, application, SHOWS, arguments, spark, configurationOverrides=of_run)
    return started


@pytest.mark.parametrize("label", APPLICATION)
def test_who_wins(shown, label):
    shown[label].succeeded()
    said = dict(line.split(" ", 1) for line in shown[label].log().splitlines())
    values = [said[name] for name in NAMES]
    assert values == ["run", APPLICATION[label], "run", "submit", "7"]


@pytest.mark.parametrize("label", APPLICATION)
def test_old_output_formats_are_committed_by_the_magic_committer(shown, label):
    """`saveAsTextFile` knows no committer's factory; a rename on S3 would be a copy of every byte."""
    shown[label].succeeded()
    assert "text ['a', 'b', 'c']" in shown[label].log()
    prefix = f"output/text/{label}/"
    keys = sorted(key.removeprefix(prefix) for key in shown[label].at.keys(prefix))
    # Hadoop 3.4 keeps the marker of the folder itself.
    assert [key for key in keys if key] == ["_SUCCESS", "part-00000", "part-00001"]
    success = json.load(shown[label].at.s3.get_object(Bucket="bkt", Key=f"{prefix}_SUCCESS")["Body"])
    assert success["committer"] == "magic" and len(success["filenames"]) == 2, success


@pytest.mark.parametrize("label", APPLICATION)
def test_log_levels(shown, label):
    shown[label].succeeded()
    driver, executor = shown[label].log("stderr"), shown[label].log("stderr", "SPARK_EXECUTOR/1")
    assert " INFO SparkContext: " in driver
    assert not [line for line in driver.splitlines() if " INFO " in line and " SparkContext: " not in line], driver
    assert " DEBUG " in executor


def defaults(key: str, value: str) -> dict:
    return overrides(spark_defaults={key: value})


@pytest.mark.parametrize(
    "label, given, words",
    [
        ("emr-7.13.0", overrides(spark_log4j={"a": "b"}), "Classification 'spark-log4j' is not supported"),
        ("emr-7.13.0", overrides(spark_env={"a": "b"}), "spark.emr-serverless.driverEnv"),
        ("emr-6.7.0", overrides(spark_driver_log4j2={"rootLogger.level": "debug"}), "supported from emr-6.8.0 on"),
        ("emr-7.13.0", overrides(spark_driver_log4j2={"appender.console.target": "SYSTEM_OUT"}), "appender.console.target"),
        ("emr-7.13.0", overrides(hive_site={"javax.jdo.option.ConnectionPassword": "EMR.secret@db"}), "ConnectionPassword"),
        ("emr-7.13.0", defaults("spark.master", "yarn"), "spark.master"),
        ("emr-7.13.0", defaults("spark.shuffle.service.enabled", "true"), "spark.shuffle.service.enabled"),
    ],
)
def test_what_is_refused(up, label, given, words):
    application = runs.application(up, label)
    driver = {"sparkSubmit": {"entryPoint": SHOWS}}
    start = up.emr.start_job_run
    arguments = {"applicationId": application, "executionRoleArn": up.role, "jobDriver": driver}
    code, message, _ = refused(start, **arguments, configurationOverrides=given)
    assert code == "ValidationException" and words in message, message
    # The same in the application's own configuration.
    runtime = {"runtimeConfiguration": given["applicationConfiguration"]}
    code, message, _ = refused(up.emr.create_application, releaseLabel=label, type="SPARK", **runtime)
    assert code == "ValidationException" and words in message, message


def test_a_program_that_names_its_own_master_is_told(up, application):
    script = "from pyspark.sql import SparkSession\nspark = SparkSession.builder.master('local[2]').getOrCreate()\nprint(spark.range(10).count())\n"
    run = runs.start(up, application, up.put("jobs/own_master.py", script))
    run.succeeded()
    assert run.log() == "10\n"
    assert "Firesteel: the program itself set spark.master to local[2]" in run.log("stderr")
