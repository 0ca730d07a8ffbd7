"""The API as boto3 uses it: life of an application, paging, tokens, moments, cancel."""

import datetime
import uuid

import pytest
import runs
from botocore.exceptions import ClientError
from installation import wait_for


@pytest.fixture(scope="module")
def application(at) -> str:
    return runs.application(at)


def state(at, application: str) -> str:
    return at.emr.get_application(applicationId=application)["application"]["state"]


def test_the_life_of_an_application(at):
    began = datetime.datetime.now(datetime.UTC)
    created = at.emr.create_application(
        releaseLabel="emr-7.13.0",
        type="SPARK",
        name="life",
        maximumCapacity={"cpu": "4 vCPU", "memory": "16GB"},
        autoStopConfiguration={"enabled": True, "idleTimeoutMinutes": 30},
        tags={"team": "genomics"},
    )
    application = created["applicationId"]
    assert created["arn"].endswith(f":/applications/{application}")
    wait_for(lambda: state(at, application) == "CREATED", 60, "CREATED")
    got = at.emr.get_application(applicationId=application)["application"]
    assert got["type"] == "Spark" and got["tags"] == {"team": "genomics"}
    assert got["maximumCapacity"] == {"cpu": "4 vCPU", "memory": "16 GB"}
    assert got["autoStopConfiguration"] == {"enabled": True, "idleTimeoutMinutes": 30}
    second = datetime.timedelta(seconds=1)
    assert began - second <= got["createdAt"] <= datetime.datetime.now(datetime.UTC) + second

    at.emr.update_application(applicationId=application, maximumCapacity={"cpu": "8 vCPU", "memory": "32 GB"})
    at.emr.start_application(applicationId=application)
    wait_for(lambda: state(at, application) == "STARTED", 60, "STARTED")
    with pytest.raises(ClientError, match="Current status: STARTED"):
        at.emr.delete_application(applicationId=application)
    at.emr.stop_application(applicationId=application)
    wait_for(lambda: state(at, application) == "STOPPED", 60, "STOPPED")
    got = at.emr.get_application(applicationId=application)["application"]
    assert got["maximumCapacity"] == {"cpu": "8 vCPU", "memory": "32 GB"}
    at.emr.delete_application(applicationId=application)
    wait_for(lambda: state(at, application) == "TERMINATED", 60, "TERMINATED")
    pages = at.emr.get_paginator("list_applications").paginate()
    assert application not in [each["id"] for page in pages for each in page["applications"]]


def test_tokens_make_one_application_and_one_run(at, application):
    token = str(uuid.uuid4())
    create = lambda name: at.emr.create_application(  # noqa: E731
        clientToken=token, releaseLabel="emr-7.13.0", type="SPARK", name=name
    )
    assert create("once")["applicationId"] == create("once")["applicationId"]
    with pytest.raises(ClientError) as caught:
        create("twice")
    assert caught.value.response["Error"]["Code"] == "ConflictException"

    first, second = (runs.start(at, application, "s3://bkt/jobs/none.py", clientToken=token) for _ in range(2))
    assert first.id == second.id
    first.failed()
    assert runs.start(at, application, "s3://bkt/jobs/none.py", clientToken=token).id == first.id, "also when it has ended"
    with pytest.raises(ClientError) as caught:
        runs.start(at, application, "s3://bkt/jobs/other.py", clientToken=token)
    assert caught.value.response["Error"]["Code"] == "ConflictException"


def test_lists_come_in_pages(at):
    application = runs.application(at)
    started = [runs.start(at, application, "s3://bkt/jobs/none.py", name=f"run {number}") for number in range(5)]
    for run in started:
        run.failed()
    pages = at.emr.get_paginator("list_job_runs").paginate(applicationId=application, PaginationConfig={"PageSize": 2})
    found = [[run["id"] for run in page["jobRuns"]] for page in pages]
    assert [len(page) for page in found] == [2, 2, 1]
    assert sum(found, []) == [run.id for run in reversed(started)], "newest first"
    listed = lambda **chosen: at.emr.list_job_runs(applicationId=application, **chosen)["jobRuns"]  # noqa: E731
    assert len(listed(states=["FAILED"])) == 5 and listed(states=["SUCCESS", "RUNNING"]) == []
    middle = listed()[2]["createdAt"]
    assert len(listed(createdAtAfter=middle)) in (2, 3)
    with pytest.raises(ClientError, match="nextToken|token"):
        listed(nextToken="nonsense")


def test_cancel(at, application):
    run = runs.start(at, application, "s3://bkt/jobs/steady.py", ["120"])
    run.says("line 00003")
    with pytest.raises(ClientError) as caught:
        at.emr.stop_application(applicationId=application)
    assert caught.value.response["Error"]["Code"] == "ValidationException", "a run is active"
    at.emr.cancel_job_run(applicationId=application, jobRunId=run.id)
    got = run.wait()
    assert got["state"] == "CANCELLED", run.story()
    assert "CANCELLING" in run.states or run.states[-2:] == ["RUNNING", "CANCELLED"]
    assert run.log().startswith("begin\nline 00000"), "what was written until then is in S3"
    attempts = at.emr.list_job_run_attempts(applicationId=application, jobRunId=run.id)["jobRunAttempts"]
    assert [attempt["state"] for attempt in attempts] == ["CANCELLED"]
