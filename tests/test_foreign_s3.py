"""The control plane on an S3 that is not ours and has no STS: SeaweedFS."""

import signal

import pytest
import runs
from conftest import stage
from foreign import ROLE, Foreign
from installation import wait_for
from test_crash import check_lines


@pytest.fixture
def foreign(tmp_path, runtimes):
    """Such a control plane; the store runs, the control plane is not started."""
    at = Foreign(tmp_path)
    at.data.mkdir(mode=0o700)
    at.open_store()
    try:
        yield at
        if at.process is not None and at.process.poll() is None:
            at.end()
        for pid in at.processes():
            raise AssertionError(f"left: {at.processes()[pid]}\n{at.tail()}")
    finally:
        at.close_store()


def test_a_run_on_seaweedfs_outlives_its_control_plane(foreign):
    foreign.s3.create_bucket(Bucket="state")
    foreign.s3.create_bucket(Bucket="bkt")
    foreign.give_keys()
    foreign.start()
    stage(foreign)
    run = runs.start(foreign, runs.application(foreign), "s3://bkt/jobs/steady.py", ["10", "s3://bkt/output/steady/"])
    run.says("line 00010")
    foreign.end(signal.SIGKILL)
    foreign.start()
    run.succeeded()
    check_lines(run.log(), 50)
    assert run.log().endswith("sum 9900\nrows 100\n"), run.log()
    assert any(key.endswith(".parquet") for key in foreign.keys("output/steady/"))
    wait_for(lambda: foreign.process.pid in foreign.processes() and len(foreign.processes()) == 1, 30, "it is alone")


def test_a_run_says_that_nobody_gives_it_credentials(foreign):
    foreign.s3.create_bucket(Bucket="state")
    foreign.s3.create_bucket(Bucket="bkt")
    foreign.start(AWS_ENDPOINT_URL_STS=foreign.endpoint)
    run = runs.start(foreign, runs.application(foreign), "s3://bkt/jobs/none.py")
    wait_for(lambda: f"credentials of runtime role {ROLE}" in run.get()["stateDetails"], 60, "it says so")
    foreign.emr.cancel_job_run(applicationId=run.application, jobRunId=run.id)
    assert run.wait()["state"] == "CANCELLED"
    wait_for(lambda: len(foreign.processes()) == 1, 60, "its worker has ended")
