"""Bad input: AWS's error at the API, or a FAILED run that says what happened. Nothing of it harms the server."""

import socket

import pytest
import runs
from botocore.exceptions import ClientError

WORD_COUNT = "s3://bkt/jobs/word_count.py"


def refused(call, **arguments) -> tuple[str, str, int]:
    """Error code, message and HTTP status of a call that must be refused."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["Error"]["Code"], response["Error"]["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize(
    "request_, words",
    [
        ({"releaseLabel": "emr-9.99.0", "type": "SPARK"}, ["emr-9.99.0", "does not exist"]),
        ({"releaseLabel": "emr-7.13.0", "type": "FLINK"}, ["FLINK"]),
        ({"releaseLabel": "emr 7", "type": "SPARK"}, ["releaseLabel"]),
        ({"releaseLabel": "emr-7.13.0", "type": "SPARK", "name": "two words"}, ["name"]),
        (
            {"releaseLabel": "emr-7.13.0", "type": "SPARK", "maximumCapacity": {"cpu": "lots", "memory": "1 GB"}},
            ["cpu"],
        ),
    ],
)
def test_create_application_is_refused(up, request_, words):
    code, message, status = refused(up.emr.create_application, **request_)
    assert (code, status) == ("ValidationException", 400)
    assert all(word in message for word in words), message


def test_ids_that_are_malformed_or_unknown(up, application):
    assert refused(up.emr.get_application, applicationId="NOT-AN-ID")[::2] == ("ValidationException", 400)
    assert refused(up.emr.get_application, applicationId="00f1cbsc6anuij25")[::2] == ("ResourceNotFoundException", 404)
    get = up.emr.get_job_run
    assert refused(get, applicationId=application, jobRunId="UP")[::2] == ("ValidationException", 400)
    unknown = refused(get, applicationId=application, jobRunId="00f1cbn5g4bb0c01")
    assert unknown[::2] == ("ResourceNotFoundException", 404) and "00f1cbn5g4bb0c01" in unknown[1]


@pytest.mark.parametrize(
    "spark, words",
    [
        (runs.parameters(spark_driver_cores="64", spark_driver_memory="700g"), ["64"]),
        (runs.parameters(spark_executor_cores="1", spark_executor_memory="100g"), ["memory"]),
        ('--conf spark.app.name="open', ["quote"]),
        ("--conf", ["--conf"]),
        (runs.parameters(spark_master="local[2]"), ["spark.master"]),
        (runs.parameters() + " --conf spark.kubernetes.namespace=x", ["spark.kubernetes.namespace"]),
    ],
)
def test_spark_parameters_are_refused_or_fail_with_the_reason(up, application, spark, words):
    """AWS does not say which of them it refuses at once; either way the user reads what is wrong."""
    try:
        said = runs.start(up, application, WORD_COUNT, spark=spark).failed(limit=60)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ValidationException"
        said = error.response["Error"]["Message"]
    assert all(word in said for word in words), said


@pytest.fixture(scope="module")
def failing(up, application) -> dict[str, runs.Run]:
    """Runs that fail, each in its own way, all at the same time."""
    # Given up at the second failure; without this limit the back-off of a crash loop would take its minutes first.
    bad_flag = runs.parameters(spark_executor_extraJavaOptions="-javaagent:none.jar", spark_executor_maxNumFailures="1")
    no_logs = {"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://no-such-bucket/logs/"}}}
    archive = f"{runs.parameters()} --archives s3://bkt/archives/none.tar.gz#environment"
    begin = lambda *arguments, **more: runs.start(up, application, *arguments, **more)  # noqa: E731
    return {
        "no script": begin("s3://bkt/jobs/none.py"),
        "no archive": begin(WORD_COUNT, spark=archive),
        "exit 3": begin("s3://bkt/jobs/exit_three.py"),
        "exception": begin("s3://bkt/jobs/raises.py"),
        "bad flag": begin("s3://bkt/jobs/overwrite.py", ["s3://bkt/output/never/"], spark=bad_flag),
        "no log bucket": begin("s3://bkt/jobs/raises.py", configurationOverrides=no_logs),
    }


def test_a_script_that_does_not_exist(failing):
    said = failing["no script"].failed()
    assert "s3://bkt/jobs/none.py" in said, said


def test_an_archive_that_does_not_exist(failing):
    said = failing["no archive"].failed()
    assert "s3://bkt/archives/none.tar.gz" in said, said


def test_a_script_that_exits_3(failing):
    said = failing["exit 3"].failed()
    assert "ExitCode: 3" in said, said
    assert failing["exit 3"].log() == "before the end\n"


def test_a_script_that_raises(failing):
    said = failing["exception"].failed()
    assert said.startswith("Job failed, please check complete logs in configured logging destination. ExitCode: 1.")
    assert "ValueError: the seventh column is missing" in said
    assert "Traceback" in failing["exception"].log(), "Spark writes what Python says to stdout"


def test_executors_that_cannot_start(failing):
    said = failing["bad flag"].failed()
    assert "executor" in said.lower(), said
    logs = [failing["bad flag"].log(stream, "SPARK_EXECUTOR/1") for stream in ("stdout", "stderr")]
    assert "none.jar" in "".join(logs), logs


def test_a_log_bucket_that_does_not_exist(failing):
    said = failing["no log bucket"].failed()
    assert "no-such-bucket" in said, said


def test_a_role_that_roles_toml_does_not_know(alone):
    alone.data.mkdir(mode=0o700)
    known = "arn:aws:iam::000000000000:role/known"
    (alone.data / "roles.toml").write_text(f'[[role]]\narn = "{known}"\nallow = ["s3://bkt/*"]\n')
    alone.start()
    alone.s3.create_bucket(Bucket="bkt")
    script = alone.put("jobs/raises.py", "print('here')")
    application = runs.application(alone)
    role = "arn:aws:iam::000000000000:role/unknown"
    said = runs.start(alone, application, script, executionRoleArn=role).failed()
    assert said == (
        f"Could not assume runtime role {role} because it doesn't exist or isn't setup with the required trust relationship."
    )


def test_a_body_over_one_mebibyte(up, application):
    big = "x" * 250
    arguments = [big] * 1000
    for _ in range(3):
        arguments = [argument + big * 2 for argument in arguments]
    code, _, status = refused(
        up.emr.start_job_run,
        applicationId=application,
        executionRoleArn=up.role,
        jobDriver={"sparkSubmit": {"entryPoint": WORD_COUNT, "entryPointArguments": arguments}},
    )
    assert status == 413, code


def test_bytes_that_are_no_http(up):
    for nonsense in [b"\x16\x03\x01\x00\xff", b"GET /\r\n\r\n", b"POST /applications HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"]:
        with socket.create_connection(("127.0.0.1", up.port), timeout=10) as connection:
            connection.sendall(nonsense)
    assert up.emr.list_applications()["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_second_spark_context(up, application):
    run = runs.start(up, application, "s3://bkt/jobs/two_contexts.py")
    run.succeeded()
    assert run.log().splitlines() == [f"context 1: {run.id} sum 285", f"context 2: {run.id}-2 sum 285"]
    executors = {key.split("/")[-2] for key in up.keys(run.prefix() + "SPARK_EXECUTOR/")}
    assert executors == {"1", "2"}, "the second context's executor does not write over the first one's logs"
