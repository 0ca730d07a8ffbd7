"""A tiny PySpark run, cold: StartJobRun → SUCCESS seen by GetJobRun, beside plain spark-submit to a running Spark
standalone master and worker of the same stock Spark, with the same cores and heaps, in turns."""

import http.client
import json
import subprocess
import time
from pathlib import Path

import figure
import runs
from installation import ROOT, Installation
from signing import Signer
from standalone import Standalone

LABEL = "emr-7.13.0"
POLL = 0.02  # seconds between two GetJobRun
LIMIT = 300
TINY = ROOT / "bench" / "jobs" / "tiny.py"
# Both sides: one executor with one core and 1 GiB, a driver with 1 GiB, no dynamic allocation, no web UI.
CONF = {
    "spark.driver.memory": "1g",
    "spark.executor.cores": "1",
    "spark.executor.memory": "1g",
    "spark.executor.instances": "1",
    "spark.dynamicAllocation.enabled": "false",
    "spark.ui.enabled": "false",
}
STEPS = ["script", "session", "result", "stopped"]


def runtime() -> dict:
    """What the label's runtime is on this machine."""
    words = ["cargo", "run", "-q", "-p", "firesteel-runtime", "--example", "describe", "--", LABEL]
    return json.loads(subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


class Poller:
    """GetJobRun over one connection, with a signature made once: polling must not take the machine from the job."""

    def __init__(self, at: Installation, run: runs.Run) -> None:
        self.path = f"/applications/{run.application}/jobruns/{run.id}"
        self.headers = Signer(at).headers("emr-serverless", "GET", self.path)
        self.connection = http.client.HTTPConnection("127.0.0.1", at.port)

    def ended(self, limit: float) -> dict:
        """The run as soon as it has ended."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            self.connection.request("GET", self.path, headers=self.headers)
            run = json.loads(self.connection.getresponse().read())["jobRun"]
            if run["state"] in runs.TERMINAL:
                self.connection.close()
                return run
            time.sleep(POLL)
        raise TimeoutError(f"{self.path}: still {run['state']} after {limit} s")


def ours(fig: figure.Figure, at: Installation, app: str, conf: dict[str, str], series: str | None) -> None:
    """One run through the API."""
    began = time.time()
    run = runs.start(at, app, "s3://bkt/jobs/tiny.py", spark=runs.conf_words(conf | {"spark.driver.cores": "1"}))
    submitted = time.time()
    ended = Poller(at, run).ended(LIMIT)
    took = time.time() - began
    assert ended["state"] == "SUCCESS", f"{ended['stateDetails']}\n{run.story()}"
    keep(fig, series, took, began, run.log())
    if series:
        fig.note(f"{series} acknowledged after", submitted - began)


def plain(fig: figure.Figure, cluster: Standalone, conf: dict[str, str], series: str | None) -> None:
    """One run through spark-submit."""
    began = time.time()
    took, printed = cluster.submit(TINY, conf | {"spark.driver.host": "127.0.0.1", "spark.cores.max": "1"})
    keep(fig, series, took, began, printed)


def keep(fig: figure.Figure, series: str | None, took: float, began: float, printed: str) -> None:
    """A run's seconds, and when each step of its script was done. Without a series it was to warm the disk's cache."""
    words = [line.split() for line in printed.splitlines()]
    steps = {line[1]: float(line[2]) for line in words if len(line) == 3 and line[0] == "step"}
    assert list(steps) == STEPS and "499500" in printed, f"the job did not do its work:\n{printed}"
    if series is None:
        return
    last = began
    for step in STEPS:
        fig.note(f"{series} {step} after", steps[step] - last)
        last = steps[step]
    fig.note(f"{series} seen after", began + took - last)
    fig.note(series, took)


def main() -> None:
    fig = figure.Figure(
        "cold_run",
        f"tiny PySpark run on {LABEL}, cold, one executor, submit → SUCCESS seen",
        event_log={"action": "store_true", "help": "event logs on both sides: ours in S3, the baseline's in a folder"},
    )
    figure.install(LABEL)
    found = runtime()
    with figure.folder() as name:
        folder = Path(name)
        (folder / "events").mkdir()
        our_conf = CONF | ({} if fig.flags.event_log else {"spark.eventLog.enabled": "false"})
        their_conf = CONF | {"spark.eventLog.enabled": str(fig.flags.event_log).lower()}
        their_conf |= {"spark.eventLog.dir": f"file://{folder}/events"} if fig.flags.event_log else {}
        with figure.installation(folder) as at, Standalone(found, folder, cores=1, memory="2g") as cluster:
            at.s3.create_bucket(Bucket="bkt")
            at.put("jobs/tiny.py", TINY.read_bytes())
            app = runs.application(at, LABEL)
            for number in range(-1, fig.count):
                ours(fig, at, app, our_conf, "ours" if number >= 0 else None)
                plain(fig, cluster, their_conf, "spark-submit" if number >= 0 else None)
    baseline = f"spark-submit to a running standalone master and worker, Spark {found['spark']}"
    fig.row("whole run", fig.median("ours"), "s", baseline, fig.median("spark-submit"), most_ratio=1.1)
    for step in STEPS:
        fig.row(f"… {step}", fig.median(f"ours {step} after"), "s", "", fig.median(f"spark-submit {step} after"))
    fig.row("… seen", fig.median("ours seen after"), "s", "", fig.median("spark-submit seen after"))
    fig.finish()


if __name__ == "__main__":
    main()
