"""Two control planes on one bucket: what one has said the other knows; when one is killed, the other goes on."""

import concurrent.futures
import contextlib
import os
import signal
import threading
import time
import uuid

import pytest
import runs
from botocore.exceptions import ClientError
from conftest import stage
from installation import wait_for
from pair import Pair, Plane


@pytest.fixture
def planes(tmp_path, runtimes):
    """Two control planes of one test's own, which the test may kill."""
    at = Pair(tmp_path).start()
    at.s3.create_bucket(Bucket="bkt")
    stage(at)
    yield at
    at.end()
    at.wait_until_alone(limit=60)


def test_what_one_has_said_the_other_knows(pair):
    """Each write is read at once from the other: they take turns."""
    first, second = (pair.connect("emr-serverless", f"http://127.0.0.1:{plane.port}") for plane in pair.planes)
    for writer, reader in [(first, second), (second, first)] * 3:
        application = writer.create_application(releaseLabel="emr-7.13.0", type="SPARK", name="turns")
        application, arn = application["applicationId"], application["arn"]
        assert reader.get_application(applicationId=application)["application"]["name"] == "turns"
        pages = reader.get_paginator("list_applications").paginate()
        assert application in [each["id"] for page in pages for each in page["applications"]]
        writer.tag_resource(resourceArn=arn, tags={"by": "writer"})
        assert reader.list_tags_for_resource(resourceArn=arn)["tags"] == {"by": "writer"}
        reader.update_application(applicationId=application, autoStopConfiguration={"enabled": False})
        got = writer.get_application(applicationId=application)["application"]
        assert got["autoStopConfiguration"]["enabled"] is False
        writer.start_application(applicationId=application)
        assert reader.get_application(applicationId=application)["application"]["state"] in ("STARTING", "STARTED")
        wait_for(lambda: started(reader, application), 60, "STARTED")
        reader.stop_application(applicationId=application)
        wait_for(lambda: state(writer, application) == "STOPPED", 60, "STOPPED")
        writer.delete_application(applicationId=application)
        assert state(reader, application) == "TERMINATED"


def test_one_token_at_both_at_once_is_one_run(pair):
    application = runs.application(pair)
    clients = [pair.connect("emr-serverless", f"http://127.0.0.1:{plane.port}") for plane in pair.planes]
    for _ in range(5):
        request = {
            "applicationId": application,
            "clientToken": str(uuid.uuid4()),
            "executionRoleArn": pair.role,
            "jobDriver": {"sparkSubmit": {"entryPoint": "s3://bkt/jobs/none.py"}},
        }
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            started = list(pool.map(lambda n: clients[n % 2].start_job_run(**request)["jobRunId"], range(8)))  # noqa: B023
        assert len(set(started)) == 1, started
        clients[0].cancel_job_run(applicationId=application, jobRunId=started[0])
    for run in clients[1].list_job_runs(applicationId=application)["jobRuns"]:
        runs.Run(pair, application, run["id"]).wait()


def test_the_one_that_started_a_run_is_killed_in_its_middle(planes):
    """The runner turns to the other one; callers do, too; what was acknowledged is there."""
    application = runs.application(planes)
    run = runs.start(planes, application, "s3://bkt/jobs/steady.py", ["30"])
    run.says("line 00010")
    wait_for(lambda: any(plane.workers() for plane in planes.planes), 10, "the run's processes are seen")
    killed = max(planes.planes, key=lambda plane: "driver" in str(plane.workers()))
    other = next(plane for plane in planes.planes if plane is not killed)
    with Writers(planes) as writers:
        wait_for(lambda: len(writers.written) > 10, 30, "there are writes")
        killed.end(signal.SIGKILL)
        until = len(writers.written) + 20
        wait_for(lambda: len(writers.written) > until, 60, "writes go on")
    written = planes.connect("emr-serverless", f"http://127.0.0.1:{other.port}").list_tags_for_resource
    for arn, tags in writers.written:
        assert written(resourceArn=arn)["tags"] == tags, "an acknowledged write is there"
    assert len({arn for arn, _ in writers.written}) == len(writers.written), "one application for each token"

    run.succeeded()
    lines = [line for line in run.log().splitlines() if line.startswith("line ")]
    assert [int(line.split()[1]) for line in lines] == list(range(150)), "nothing twice, nothing missing"
    assert run.get().get("attempt", 1) == 1
    # What it left on its host is cleared away when it is back.
    killed.start()
    wait_for(lambda: not killed.workers(), 60, "no worker is left")
    wait_for(lambda: not list((killed.data / "workers" / "workers").iterdir()), 60, "no worker's folder is left")
    assert run.get()["state"] == "SUCCESS"


def test_a_run_outlives_all_that_were_there_at_its_start(planes, tmp_path):
    """Its runner learns of the third from the first two, and turns to it when they are gone."""
    application = runs.application(planes)
    run = runs.start(planes, application, "s3://bkt/jobs/steady.py", ["30"])
    run.says("line 00010")
    third = Plane(tmp_path / "third", planes).start()
    try:
        time.sleep(13)  # a heartbeat, and an exchange
        for plane in planes.planes:
            plane.end(signal.SIGKILL)
        emr = planes.connect("emr-serverless", f"http://127.0.0.1:{third.port}")
        got = lambda: emr.get_job_run(applicationId=application, jobRunId=run.id)["jobRun"]["state"]  # noqa: E731
        ended = wait_for(lambda: got() in runs.TERMINAL and got(), 120, "the run ends")
        assert ended == "SUCCESS", f"{ended}\n{third.tail()}"
        lines = [line for line in run.log().splitlines() if line.startswith("line ")]
        assert [int(line.split()[1]) for line in lines] == list(range(150)), "nothing twice, nothing missing"
    finally:
        third.end()
    third.wait_until_alone(limit=60)


def test_a_run_ends_with_its_host(planes):
    """A machine that is gone takes its runs along: the other control plane says so, and where their logs end."""
    application = runs.application(planes)
    run = runs.start(planes, application, "s3://bkt/jobs/steady.py", ["300"])
    run.says("line 00010")
    wait_for(lambda: any(plane.workers() for plane in planes.planes), 10, "the run's processes are seen")
    gone = max(planes.planes, key=lambda plane: "driver" in str(plane.workers()))
    gone.end(signal.SIGKILL)
    for process in gone.workers():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    text = "The worker was lost: nothing was heard of its host for 60 seconds. (logs incomplete)"
    assert run.failed(limit=180) == text
    assert "line 00010" in run.log()
    key = f"{run.prefix()}SPARK_DRIVER/TRUNCATED"
    marker = planes.s3.get_object(Bucket="bkt", Key=key)["Body"].read().decode()
    length = planes.s3.head_object(Bucket="bkt", Key=f"{run.prefix()}SPARK_DRIVER/stdout.gz")["ContentLength"]
    assert f"stdout.gz: {length} bytes are here, compressed; the rest is on a host that is lost" in marker


def started(client, application: str) -> bool:
    return state(client, application) == "STARTED"


def state(client, application: str) -> str:
    return client.get_application(applicationId=application)["application"]["state"]


class Writers:
    """Four callers that create applications with a token each, say it again if it was not acknowledged, and read it back."""

    def __init__(self, planes: Pair) -> None:
        self.planes = planes
        self.written: list[tuple[str, dict[str, str]]] = []
        self.faults: list[str] = []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.write) for _ in range(4)]

    def __enter__(self) -> "Writers":
        self.planes.emr  # noqa: B018 the client is made before threads share it
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(timeout=120)
        assert not self.faults, self.faults

    def write(self) -> None:
        emr = self.planes.emr
        while not self.stop.is_set():
            token, tags = str(uuid.uuid4()), {"mark": str(uuid.uuid4())}
            try:
                made = emr.create_application(
                    clientToken=token, releaseLabel="emr-7.13.0", type="SPARK", name="write", tags=tags
                )
                got = emr.get_application(applicationId=made["applicationId"])["application"]
                assert got["tags"] == tags, got
                self.written.append((made["arn"], tags))
            except (ClientError, AssertionError) as error:
                self.faults.append(repr(error))
                return
