"""The issue's story with a word count: by the unmodified AWS CLI, and by our own verbs."""

import json
import time

import runs

JOB_DRIVER = {
    "sparkSubmit": {
        "entryPoint": "s3://bkt/jobs/word_count.py",
        "entryPointArguments": ["--input", "s3://bkt/input/*.json.gz", "--output", "s3://bkt/output/counts/"],
        "sparkSubmitParameters": runs.parameters(),
    }
}
OVERRIDES = {"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://bkt/logs/"}}}
WORDS = 3 * 200 * 8  # files × lines × words


def check_states(seen: list[str]) -> None:
    """They come in their order, each once, and end well."""
    assert seen == sorted(seen, key=runs.LEGAL.index), seen
    assert "RUNNING" in seen and seen[-1] == "SUCCESS", seen


def check_output(at, prefix: str) -> None:
    """Parquet in S3, committed by the magic committer, with nothing temporary left."""
    keys = at.keys(prefix)
    success = json.loads(at.s3.get_object(Bucket="bkt", Key=f"{prefix}_SUCCESS")["Body"].read())
    assert success["committer"] == "magic"
    parts = [key for key in keys if key.endswith(".parquet")]
    assert sorted(f"/{key}" for key in parts) == sorted(success["filenames"])
    assert set(keys) == {*parts, f"{prefix}_SUCCESS"}
    assert "Uploads" not in at.s3.list_multipart_uploads(Bucket="bkt", Prefix=prefix)


def test_the_story_by_the_aws_cli(at):
    at.shell("aws s3 mb s3://my-emr-serverless-bucket")
    application = at.shell(
        "aws emr-serverless create-application --release-label emr-7.13.0 --type SPARK --name my-spark-application"
        """ --initial-capacity '{"DRIVER": {"workerCount": 1, "workerConfiguration": {"cpu": "1vCPU", "memory": "2GB"}}}'"""
        """ --maximum-capacity '{"cpu": "4 vCPU", "memory": "16 GB"}'"""
        """ --auto-stop-configuration '{"enabled": true, "idleTimeoutMinutes": 5}'"""
        " --query applicationId --output text"
    ).strip()
    run = at.shell(
        f"aws emr-serverless start-job-run --application-id {application} --execution-role-arn $FIRESTEEL_ROLE_ARN"
        ' --name words --job-driver "$DRIVER" --configuration-overrides "$OVERRIDES" --query jobRunId --output text',
        DRIVER=json.dumps(JOB_DRIVER).replace("/output/counts/", "/output/by-cli/"),
        OVERRIDES=json.dumps(OVERRIDES),
    ).strip()
    get = f"aws emr-serverless get-job-run --application-id {application} --job-run-id {run}"
    watched = runs.Run(at, application, run)
    watched.succeeded()
    check_states(watched.states)
    assert json.loads(at.shell(get))["jobRun"]["state"] == "SUCCESS"

    logs = f"s3://bkt/logs/applications/{application}/jobs/{run}/SPARK_DRIVER"
    assert f"{WORDS} words, 13 different" in at.shell(f"aws s3 cp {logs}/stdout.gz - | gunzip | tail")
    assert at.shell(f"aws s3 cp {logs}/stderr.gz - | gunzip | wc -l").strip() != "0"
    listed = at.shell("aws s3 ls s3://bkt/output/by-cli/")
    assert ".parquet" in listed and "_SUCCESS" in listed
    check_output(at, "output/by-cli/")
    assert watched.log("stderr", "SPARK_EXECUTOR/1"), "the executor has logs of its own"


def test_the_story_by_our_verbs(at):
    application = runs.application(at)
    driver = json.dumps(JOB_DRIVER).replace("/output/counts/", "/output/by-verbs/")
    started = at.ask(
        *("start-job-run", "--application-id", application, "--execution-role-arn", at.role, "--name", "words"),
        *("--job-driver", driver, "--configuration-overrides", json.dumps(OVERRIDES)),
    )
    run = runs.Run(at, application, started["jobRunId"])
    with runs.follow(run) as logs:
        out, err = logs.communicate(timeout=runs.LIMIT)
    assert logs.returncode == 0, f"{err}\n{run.story()}"
    assert f"{WORDS} words, 13 different" in out
    assert run.get()["state"] == "SUCCESS", "logs -f goes on until the run has ended"
    assert out == run.log()
    check_output(at, "output/by-verbs/")

    got = at.ask("get-job-run", "--application-id", application, "--job-run-id", run.id)["jobRun"]
    assert (got["state"], got["name"], got["releaseLabel"]) == ("SUCCESS", "words", "emr-7.13.0")
    assert run.id in [each["id"] for each in at.ask("list-job-runs", "--application-id", application)["jobRuns"]]


def test_a_line_is_read_while_the_job_runs(up, application):
    run = runs.start(up, application, "s3://bkt/jobs/steady.py", ["12"])
    with runs.follow(run) as logs:
        ages, states = [], set()
        for line in logs.stdout:
            if line.startswith("line "):
                ages.append(time.time() - float(line.split()[2]))
                if len(ages) == 30:
                    states.add(run.get()["state"])
        assert logs.wait(timeout=runs.LIMIT) == 0
    run.succeeded()
    assert states == {"RUNNING"}
    assert len(ages) == 60
    # Every line within seconds, however busy the machine; the benchmark has the figures.
    assert max(ages) < 30, ages
    assert run.log().splitlines()[-1] == "sum 9900"


def test_dynamic_partition_overwrite(up, application):
    run = runs.start(up, application, "s3://bkt/jobs/overwrite.py", ["s3://bkt/output/partitions/"])
    run.succeeded()
    assert "rows [10, 3, 10, 10, 10]" in run.log()


def test_a_finished_run_stays_in_the_history(up, application):
    run = runs.start(up, application, "s3://bkt/jobs/overwrite.py", ["s3://bkt/output/more-partitions/"], name="history")
    before = run.succeeded()
    assert before["totalExecutionDurationSeconds"] >= 1
    # The bill is computed when the last worker has ended; then the run leaves the state for the history.
    billed = runs.wait_for(lambda: run.get().get("billedResourceUtilization"), 120, "the bill of a finished run")
    assert billed["vCPUHour"] > 0 and billed["memoryGBHour"] > 0
    history = f"applications/{application}/jobs/{run.id}/"
    assert f"logs/{history}SPARK_DRIVER/stdout.gz" in up.keys(f"logs/{history}")
    listed = up.emr.list_job_runs(applicationId=application)["jobRuns"]
    assert [each["state"] for each in listed if each["id"] == run.id] == ["SUCCESS"]
