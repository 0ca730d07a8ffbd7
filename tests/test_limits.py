"""What ends a run from below or by an order, and what grows: a full disk, too little memory, a kill, a cancel, a long log."""

import gzip
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import runs
from botocore.exceptions import ClientError
from conftest import stage
from installation import wait_for

FILLS = "s3://bkt/jobs/fills.py"
ENDED = "Job failed, please check complete logs in configured logging destination. ExitCode: {}. Last few exceptions: {}"


@pytest.fixture
def small_disk(tmp_path):
    """Makes a folder a disk of so many MiB, with what is in it. It takes the right to mount, which CI has."""
    mounted = []

    def mount(folder: Path, mebibytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept = tmp_path / f"kept-{len(mounted)}"
        shutil.copytree(folder, kept, symlinks=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0700", "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            pytest.skip(f"this user may not mount a disk: {done.stderr.strip()}")
        mounted.append(folder)
        shutil.copytree(kept, folder, symlinks=True, dirs_exist_ok=True)

    yield mount
    for folder in reversed(mounted):
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def begin(at, *arguments, **more) -> runs.Run:
    at.s3.create_bucket(Bucket="bkt")
    stage(at)
    return runs.start(at, runs.application(at), FILLS, arguments, **more)


def test_a_workers_disk_that_is_full(small_disk, alone):
    alone.start()
    alone.end()
    small_disk(alone.data / "workers", 200)
    alone.start()
    run = begin(alone, "disk")
    said = run.failed()
    assert said.startswith(ENDED.format(1, "The worker's disk is full.")), said
    assert run.log().startswith("begun ")
    # The installation itself is well.
    assert alone.emr.list_applications()["applications"]


def test_a_control_planes_disk_that_is_full(small_disk, alone):
    """No run is acknowledged that is lost; calls fail with a 5xx, and succeed once there is room again."""
    small_disk(alone.data, 96)
    alone.start()
    alone.s3.create_bucket(Bucket="bkt")
    stage(alone)
    application = runs.application(alone, autoStartConfiguration={"enabled": False})
    emr = alone.client("emr-serverless")
    before = emr.list_applications()["applications"]
    ballast = alone.data / "ballast"
    with pytest.raises(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 16))
    failures = []
    for number in range(200):
        try:
            runs.application(alone, tags={f"{number}-{tag}": "x" * 250 for tag in range(40)})
        except ClientError as error:
            failures.append(error.response["ResponseMetadata"]["HTTPStatusCode"])
            break
    assert failures and failures[0] >= 500, failures
    ballast.unlink()
    wait_for(lambda: can_create(alone), 60, "an application can be created again")
    known = {entry["id"] for entry in emr.list_applications(maxResults=50)["applications"]}
    assert {entry["id"] for entry in before} <= known and application in known
    alone.end(signal.SIGKILL)
    alone.start()
    assert application in {entry["id"] for entry in emr.list_applications(maxResults=50)["applications"]}


def can_create(at) -> bool:
    try:
        return bool(runs.application(at))
    except ClientError:
        return False


def test_a_kill_is_not_called_out_of_memory(up, application):
    run = runs.start(up, application, FILLS, ["waits"])
    run.says("begun ")
    os.kill(int(run.log().split()[1]), signal.SIGKILL)
    outside = "The job's process was killed from outside (signal 9, SIGKILL), not for its memory"
    assert run.failed() == ENDED.format(137, outside)


def test_a_cancelled_drivers_python_ends_by_its_own_handlers(up, application):
    """Within its grace; Spark is there for them until they are done."""
    ends = {
        "default": ["finally", "atexit: 7"],
        "handler": ["handler: SIGTERM", "finally", "atexit: 7"],
        "stubborn": ["interrupted", "finally"],
    }
    started = {kind: runs.start(up, application, "s3://bkt/jobs/farewell.py", [kind]) for kind in ends}
    for kind, run in started.items():
        run.says("begun")
        up.emr.cancel_job_run(applicationId=application, jobRunId=run.id, shutdownGracePeriodInSeconds=15)
    for kind, run in started.items():
        assert run.wait()["state"] == "CANCELLED"
        said = [line for line in run.log().splitlines() if line.split(":")[0] in ("finally", "atexit", "handler", "interrupted")]
        assert said == ends[kind], f"{kind}: {run.log()}"


def test_a_log_that_is_long(up, application):
    """EMR's files of 128 MB; who follows goes on over them; nothing is missing and nothing is twice."""
    run = runs.start(up, application, "s3://bkt/jobs/prints.py", ["300"])
    following = runs.follow(run)
    size, numbers, last = 0, 0, ""
    for line in following.stdout:
        size += len(line)
        if " INFO TaskSetManager: Finished task " in line:
            assert int(line.split()[6]) == numbers, line
            numbers += 1
        last = line
    assert following.wait(timeout=60) == 0, following.stderr.read()
    run.succeeded()
    assert last == f"printed {numbers}\n" and numbers > 2_800_000, last
    files = {key.rsplit("/", 1)[1]: key for key in up.keys(f"{run.prefix()}SPARK_DRIVER/archived/")}
    assert sorted(files) == ["stdout_1.gz", "stdout_2.gz"]
    full = [gzip.decompress(up.s3.get_object(Bucket="bkt", Key=key)["Body"].read()) for key in sorted(files.values())]
    assert all((128 << 20) - 200 < len(file) <= 128 << 20 and file.endswith(b"\n") for file in full)
    assert sum(map(len, full)) + len(run.log()) == size


def test_a_heap_that_is_full(up, application):
    """EMR's images set this option, so that the JVM ends."""
    option = "--conf 'spark.driver.extraJavaOptions=-XX:OnOutOfMemoryError=\"kill -9 %p\"'"
    run = runs.start(up, application, FILLS, ["heap"], f"{runs.parameters()} {option}")
    memory = "Worker has been killed as memory usage exceeded configured memory size, consider increasing memory size"
    assert run.failed() == ENDED.format(137, memory)


def test_a_log_bucket_that_the_role_may_not_write(alone):
    alone.data.mkdir(mode=0o700)
    role = "arn:aws:iam::000000000000:role/reader"
    (alone.data / "roles.toml").write_text(f'[[role]]\narn = "{role}"\nallow = ["s3://bkt/*"]\n')
    alone.start()
    alone.s3.create_bucket(Bucket="closed")
    logs = {"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://closed/logs/"}}}
    began = time.monotonic()
    run = begin(alone, "waits", executionRoleArn=role, configurationOverrides=logs)
    said = run.failed(limit=120)
    assert "s3://closed/logs/applications/" in said and "AccessDenied" in said, said
    assert time.monotonic() - began < 120
    assert alone.keys("", bucket="closed") == []
