"""The whole `firesteel up` is killed or stopped in the middle of a run."""

import signal
import time

import runs
from conftest import stage

STEADY = "s3://bkt/jobs/steady.py"


def begun(at, *arguments: str, up_words: tuple[str, ...] = ()) -> runs.Run:
    """A run in its middle."""
    at.start(*up_words)
    at.s3.create_bucket(Bucket="bkt")
    stage(at)
    run = runs.start(at, runs.application(at), STEADY, arguments)
    run.says("line 00010")
    return run


def check_lines(log: str, count: int | None) -> None:
    """Every line once, in order, with nothing between."""
    lines = [line.split()[:2] for line in log.splitlines()]
    numbers = [int(line[1]) for line in lines if line[0] == "line"]
    assert lines[0] == ["begin"], log
    assert numbers == list(range(len(numbers))), log
    assert count is None or len(numbers) == count, log


def workers(at) -> dict[int, str]:
    """Processes of the installation but `up` itself."""
    return {pid: command for pid, command in at.processes().items() if pid != at.process.pid}


def test_kill_of_everything_in_the_middle_of_a_run(alone):
    """S3, STS and control plane are away for half a minute; the job writes to S3 meanwhile."""
    run = begun(alone, "15", "s3://bkt/output/crash/")
    alone.end(signal.SIGKILL)
    assert workers(alone), "the job goes on"
    time.sleep(30)
    alone.start()
    run.succeeded()
    log = run.log()
    check_lines(log, 75)
    assert log.endswith("sum 9900\nrows 100\n"), log
    assert run.at.emr.get_job_run(applicationId=run.application, jobRunId=run.id)["jobRun"].get("attempt", 1) == 1
    runs.wait_for(lambda: not workers(alone), 30, "no worker is left")


def test_sigterm_ends_everything_and_says_so(alone):
    run = begun(alone, "120")
    alone.end(signal.SIGTERM)
    alone.wait_until_alone(limit=30)
    alone.start()
    got = run.wait(limit=60)
    assert got["state"] == "FAILED"
    assert "control plane stopped" in got["stateDetails"]
    check_lines(run.log(), None)


def test_workers_can_be_kept(alone):
    run = begun(alone, "15", up_words=("--keep-workers",))
    alone.end(signal.SIGTERM)
    assert workers(alone), "the job goes on"
    alone.start("--keep-workers")
    run.succeeded()
    check_lines(run.log(), 75)
    runs.wait_for(lambda: not workers(alone), 30, "no worker is left")
