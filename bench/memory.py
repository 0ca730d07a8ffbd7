"""The control plane's resident memory after many finished runs, beside what it was at its start.

Every run goes the whole way of a run that fails early: its driver is admitted, a worker starts and says hello, staging
finds no entry point, logs and end are reported, the run is FAILED, settled and archived. No JVM starts. The control
plane measured is the whole of `up`: API, journal, embedded S3 and STS."""

import re
import time
from pathlib import Path

import figure
import runs
from installation import Installation

RUNS = 1000
QUICK_RUNS = 100
AHEAD = 40  # runs that are waiting or under way at a time
PER_RUN = 10  # seconds that each may take on average
QUIET = 5  # seconds of rest before the last look


def status(pid: int) -> dict[str, float]:
    """VmRSS, VmHWM, RssAnon and RssFile of a process, MiB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return {name: int(kib) / 1024 for name, kib in re.findall(r"^(VmRSS|VmHWM|RssAnon|RssFile):\s+(\d+) kB", text, re.M)}


def finish_runs(at: Installation, count: int) -> None:
    """Starts runs, a few ahead of those that end, until `count` have ended FAILED."""
    app = runs.application(at)
    started, open_runs, end = 0, [], time.monotonic() + count * PER_RUN
    while started < count or open_runs:
        assert time.monotonic() < end, f"{len(open_runs)} of {started} runs have not ended\n{at.tail()}"
        while started < count and len(open_runs) < AHEAD:
            open_runs.append(runs.start(at, app, "s3://bkt/jobs/none.py"))
            started += 1
        states = {run: run.get()["state"] for run in open_runs}
        wrong = [run.get() for run, state in states.items() if state in runs.TERMINAL and state != "FAILED"]
        assert not wrong, wrong[0]
        open_runs = [run for run, state in states.items() if state not in runs.TERMINAL]
        time.sleep(0.1)


def main() -> None:
    fig = figure.Figure(
        "memory",
        "resident memory of `up` after many finished runs",
        runs={"type": int, "help": f"runs [default: {RUNS}; {QUICK_RUNS} if quick]"},
    )
    figure.install()
    count = fig.flags.runs or (QUICK_RUNS if fig.flags.quick else RUNS)
    for _ in range(fig.count):
        with figure.folder() as folder:
            with figure.installation(Path(folder)) as at:
                at.s3.create_bucket(Bucket="bkt")
                fig.note("at start", status(at.process.pid)["VmRSS"])
                began = time.monotonic()
                finish_runs(at, count)
                fig.note("seconds for all runs", time.monotonic() - began)
                time.sleep(QUIET)
                found = status(at.process.pid)
                fig.note("after the runs", found["VmRSS"])
                fig.note("highest", found["VmHWM"])
                fig.note("after the runs, of files", found["RssFile"])
    what = f"after {count} finished runs"
    fig.row(what, fig.median("after the runs"), "MiB", "the same process before them", fig.median("at start"), most=80)
    fig.row("highest until then", fig.median("highest"), "MiB")
    fig.finish()


if __name__ == "__main__":
    main()
