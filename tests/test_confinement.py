"""What a job can reach of the installation that runs it: not the data folder, not by itself and not by its runner."""

import io
import os
import subprocess
import tarfile

import pytest
import runs

# Prints what it could do that it should not be able to.
PROBE = r"""
import json, os, shutil, sys, urllib.request

data, up, other = sys.argv[1], int(sys.argv[2]), sys.argv[3]
own = data + "/workers/workers/" + os.environ["FIRESTEEL_WORKER"]


def reached(what, attempt):
    try:
        attempt()
        print("reached:", what, flush=True)
    except OSError:
        pass


reached("config", lambda: open(data + "/config.toml").read())
reached("list", lambda: os.listdir(data))
reached("plant", lambda: open(data + "/planted", "w"))
reached("other workers", lambda: os.listdir(data + "/workers/workers"))
reached("environment", lambda: open(f"/proc/{up}/environ").read())
reached("folder of the process", lambda: os.listdir(f"/proc/{up}/cwd"))
reached("signal", lambda: os.kill(up, 0))
reached("record", lambda: open(own + "/worker.json", "a"))
reached("exit", lambda: open(own + "/exit.json", "w"))
for log in ("stdout", "stderr"):
    reached("log " + log, lambda: (os.remove(f"{own}/logs/{log}"), os.symlink(data + "/config.toml", f"{own}/logs/{log}")))
shutil.rmtree(os.path.expanduser("~"), ignore_errors=True)
print("end", flush=True)
"""

# Asks its runner for an executor whose volume lies elsewhere.
VOLUMES = r"""
import copy, json, sys, time, urllib.request
from pyspark.sql import SparkSession

context = SparkSession.builder.getOrCreate().sparkContext
context.parallelize([1], 1).count()
conf = dict(context.getConf().getAll())
base = conf["spark.master"].removeprefix("k8s://") + "/api/v1/namespaces/firesteel/"
headers = {"Authorization": "Bearer " + conf["spark.kubernetes.authenticate.oauthToken"], "content-type": "application/json"}


def call(path, body=None):
    data = body and json.dumps(body).encode()
    return json.load(urllib.request.urlopen(urllib.request.Request(base + path, data, headers)))


meta = {"name": "more", "namespace": "firesteel"}
call("configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {sys.argv[1] + "/planted": "x"}})
pod = copy.deepcopy(call("pods")["items"][0])
pod.pop("status", None)
pod["metadata"] = {"name": "more", "namespace": "firesteel", "labels": pod["metadata"]["labels"] | {"spark-exec-id": "77"}}
container = pod["spec"]["containers"][0]
pod["spec"].setdefault("volumes", []).append({"name": "more", "configMap": {"name": "more"}})
container.setdefault("volumeMounts", []).append({"name": "more", "mountPath": "/more"})
next(each for each in container["env"] if each["name"] == "SPARK_EXECUTOR_ID")["value"] = "77"
call("pods", pod)
waits = lambda pod: pod["metadata"]["name"] == "more" and pod["status"].get("phase", "Pending") == "Pending"
while any(waits(pod) for pod in call("pods")["items"]):
    time.sleep(0.2)
print("over", flush=True)
"""


@pytest.fixture(scope="module")
def landlock():
    """Landlock is what holds a job; the kernel says whether it is switched on."""
    probe = "import ctypes, sys; sys.exit(ctypes.CDLL(None).syscall(444, None, 0, 1) < 6)"
    if subprocess.run(["python3", "-c", probe]).returncode != 0:
        pytest.skip("this kernel has no Landlock that knows signals")


def test_a_job_reaches_nothing_of_the_installation(landlock, up, application):
    script = up.put("jobs/probe.py", PROBE)
    run = runs.start(up, application, script, [str(up.data), str(up.process.pid), "x"])
    run.succeeded()
    assert run.log() == "end\n", "the job reached what it should not, or its log was put away"
    assert "secret_access_key" not in run.log("stderr")


def archive(name: str, kind: bytes, target: str = "") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, target
        tar.addfile(entry)
    return packed.getvalue()


def test_a_runner_reaches_nothing_for_its_job(landlock, up, application, tmp_path):
    """What the runner itself opens: archives, also of this machine, properties, volumes of executors."""
    first = up.put("archives/first.tar.gz", archive("out", tarfile.SYMTYPE, str(tmp_path)))
    second = up.put("archives/second.tar.gz", archive("planted", tarfile.REGTYPE))
    hello = "s3://bkt/jobs/hello.py"
    begin = lambda more: runs.start(up, application, hello, spark=f"{runs.parameters()} {more}")  # noqa: E731
    keys = up.data / "config.toml"
    refused = [
        begin(f"--archives file://{keys}#x"),
        begin(f"--properties-file file://{keys}"),
        begin(f"--archives {first}#env,{second}#env/out"),
    ]
    volumes = runs.start(up, application, up.put("jobs/volumes.py", VOLUMES), [str(up.data)])
    said = [run.failed() for run in refused[:2]]
    assert all("config.toml" in text and "Permission denied" in text for text in said), said
    refused[2].wait()
    assert os.listdir(tmp_path) == [], "an archive was unpacked through another's symlink"
    volumes.succeeded()
    assert volumes.log() == "over\n"
    assert "is no name for a volume or its file" in volumes.log("stderr", "SPARK_EXECUTOR/2")
    assert not (up.data / "planted").exists()
