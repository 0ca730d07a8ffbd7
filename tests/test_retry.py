"""A run that is tried again, and another one that waits in the queue meanwhile."""

import gzip

import runs


def keys(at, prefix: str) -> list[str]:
    pages = at.s3.get_paginator("list_objects_v2").paginate(Bucket="bkt", Prefix=prefix)
    return [found["Key"].removeprefix(prefix) for page in pages for found in page.get("Contents", [])]


def test_a_second_attempt_with_logs_of_its_own_and_a_queue(up):
    application = runs.application(up, schedulerConfiguration={"maxConcurrentRuns": 1})
    marker = "s3://bkt/marks/second-try"
    tried = runs.start(up, application, "s3://bkt/jobs/second_try.py", [marker], retryPolicy={"maxAttempts": 3})
    tried.until("RUNNING")
    queued = runs.start(up, application, "s3://bkt/jobs/hello.py")
    queued.until("QUEUED", 30)

    got = tried.succeeded()
    assert (got["attempt"], got["retryPolicy"]) == (2, {"maxAttempts": 3})
    listed = up.emr.list_job_run_attempts(applicationId=application, jobRunId=tried.id)["jobRunAttempts"]
    assert [(one["attempt"], one["state"]) for one in listed] == [(1, "FAILED"), (2, "SUCCESS")]
    assert "ExitCode: 3." in listed[0]["stateDetails"]
    first = up.emr.get_job_run(applicationId=application, jobRunId=tried.id, attempt=1)["jobRun"]
    assert (first["state"], first["attempt"]) == ("FAILED", 1)

    for number, said in [(1, "first 499500\n"), (2, "second 499500\n")]:
        key = f"{tried.prefix()}attempts/{number}/SPARK_DRIVER/stdout.gz"
        assert gzip.decompress(up.s3.get_object(Bucket="bkt", Key=key)["Body"].read()).decode() == said
        names = keys(up, f"{tried.prefix()}attempts/{number}/")
        assert any(name.startswith(f"sparklogs/eventlog_v2_{tried.id}/") for name in names), names
    assert not keys(up, f"{tried.prefix()}SPARK_DRIVER/"), "attempts have folders of their own"
    runs.wait_for(lambda: not keys(up, f"{tried.prefix()}tmp/"), 30, "no attempt's tmp is left")

    waited = queued.succeeded()["queuedDurationMilliseconds"]
    assert waited > 1000
    assert queued.states.index("QUEUED") < queued.states.index("RUNNING")
    used = got["totalResourceUtilization"]["vCPUHour"] * 3600
    assert used >= got["totalExecutionDurationSeconds"], "both attempts are on the bill"
