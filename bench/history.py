"""The API beside 10, 10,000 and 1,000,000 settled runs: StartJobRun, GetJobRun and ListJobRuns per second, resident
memory, and the time that a start takes. Beside 100 only what is listed: the fewest of which every full page is full.

No driver starts: the installation's quota is 0 vCPU. One run is really cancelled and archived; the past is made of copies
of it, written through the real packing into the embedded S3 while the installation is stopped."""

import datetime
import json
import subprocess
import sys
import time
import uuid
from pathlib import Path

import figure
import load
import runs
from api_rate import FIRST_GUESS, NO_DRIVERS
from installation import Installation, wait_for
from memory import status
from signing import Signer

SIZES = [10, 100, 10_000, 1_000_000]
LISTED = 100  # so many are there for the baseline of full pages alone
PAGES = [5, 50]  # runs of a page; each page is compared with pages of the same number of runs
LISTS = ["the newest", "by state", "from the middle"]
RECORDS = 20_000  # of the runs, the youngest that also have a record for GetJobRun
PAST = figure.FIRESTEEL.parent / "examples" / "past"
PATIENCE = 60  # seconds until a run is archived
HOUR = 3600  # seconds between the youngest run of the past and now; the others are a second apart


class Bench:
    """One installation with so many settled runs."""

    def __init__(self, fig: figure.Figure, at: Installation, size: int, ahead: dict[str, int]) -> None:
        self.fig, self.at, self.size, self.ahead = fig, at, size, ahead

    def make(self) -> None:
        """An application, a run that was archived, and the past."""
        at = self.at.start(*NO_DRIVERS)
        at.s3.create_bucket(Bucket="bkt")
        self.app = runs.application(at)
        first = runs.start(at, self.app, "s3://bkt/jobs/none.py")
        at.emr.cancel_job_run(applicationId=self.app, jobRunId=first.id)
        wait_for(lambda: first.get()["state"] == "CANCELLED", PATIENCE, "the run is cancelled")
        time.sleep(2)  # it is archived
        at.end()
        at.wait_until_alone(limit=20)
        began = time.monotonic()
        words = [str(PAST), str(at.data), self.app, str(self.size), str(min(self.size, RECORDS))]
        subprocess.run(words, check=True)
        self.made = time.time()
        self.note("seconds to make the past", time.monotonic() - began)

    def take(self) -> None:
        began = time.monotonic()
        self.at.start(*NO_DRIVERS)
        self.note("start, s", time.monotonic() - began)
        self.note("resident after the start, MiB", self.resident())
        self.sign = Signer(self.at)
        settled = self.settled()
        # No run waits yet: every page is of settled runs, and as long as any other.
        for name, query in self.lists():
            self.load(f"ListJobRuns {name}", [self.sign.wire("emr-serverless", "GET", self.path(query))])
        if self.size == LISTED:
            return
        waiting = [runs.start(self.at, self.app, "s3://bkt/jobs/none.py").id for _ in range(16)]
        self.load("healthz", [f"GET /healthz HTTP/1.1\r\nhost: {self.sign.host}\r\n\r\n".encode()])
        self.load("GetJobRun live", [self.get(run) for run in waiting])
        self.load("GetJobRun settled", [self.get(run) for run in settled])
        before = self.resident()
        self.load("StartJobRun", self.start)
        there = load.runs_in_state(self.sign.host)
        self.note("waiting runs after the load", there)
        self.note("resident after the load, MiB", self.resident())
        self.note("resident KiB for each waiting run", (self.resident() - before) * 1024 / (there - len(waiting)))

    def resident(self) -> float:
        return status(self.at.process.pid)["VmRSS"]

    def settled(self) -> list[str]:
        """Ids of sixteen settled runs that have records: the youngest."""
        found = self.at.emr.list_job_runs(applicationId=self.app, states=["SUCCESS"], maxResults=16)
        return [run["id"] for run in found["jobRuns"]][: min(16, self.size)]

    def lists(self) -> list[tuple[str, str]]:
        """Pages that are full beside so many runs: their queries, in the order of a canonical one."""
        middle = self.made - HOUR - self.size // 2 + 1
        before = datetime.datetime.fromtimestamp(middle, datetime.UTC).strftime("%Y-%m-%dT%H%%3A%M%%3A%SZ")
        found = []
        for most in (page for page in PAGES if page * 2 <= self.size):
            queries = [f"maxResults={most}", f"maxResults={most}&states=SUCCESS"]
            queries.append(f"createdAtBefore={before}&maxResults={most}")
            for name, query in zip(LISTS, queries, strict=True):
                answer = self.at.emr.list_job_runs(applicationId=self.app, **arguments(query))
                if len(answer["jobRuns"]) != most:
                    raise RuntimeError(f"{query}: {len(answer['jobRuns'])} runs, not {most}")
                found.append((f"{name} {most}", query))
        return found

    def path(self, query: str = "") -> str:
        return f"/applications/{self.app}/jobruns" + (f"?{query}" if query else "")

    def get(self, run: str) -> bytes:
        return self.sign.wire("emr-serverless", "GET", f"{self.path()}/{run}")

    def start(self) -> bytes:
        driver = {"entryPoint": "s3://bkt/jobs/none.py", "sparkSubmitParameters": runs.parameters()}
        body = {"clientToken": str(uuid.uuid4()), "executionRoleArn": self.at.role, "name": "bench"}
        text = json.dumps(body | {"jobDriver": {"sparkSubmit": driver}}).encode()
        return self.sign.wire("emr-serverless", "POST", self.path(), text, content_type="application/json")

    def load(self, name: str, requests) -> None:
        """One load, warmed up: a list is sent again and again, what a function makes is sent once."""
        again, seconds = isinstance(requests, list), self.fig.flags.seconds
        first = requests if again else [requests() for _ in range(FIRST_GUESS)]
        load.warm(self.at.folder, self.sign.host, first, 1)
        while True:
            made = requests if again else [requests() for _ in range(self.ahead.setdefault(name, FIRST_GUESS) * seconds)]
            before = figure.cpu_seconds(self.at.process.pid)
            try:
                found = load.send(self.at.folder, self.sign.host, made, seconds, 1, again)
                break
            except load.RanOut:
                self.ahead[name] *= 2
        spent = figure.cpu_seconds(self.at.process.pid) - before
        self.note(f"{name}/s", found["rate"])
        self.note(f"{name} server CPU µs per request", spent / found["requests"] * 1e6)
        self.ahead[name] = int(max(1000, found["rate"] * 1.5))

    def note(self, series: str, value: float) -> None:
        self.fig.note(f"{self.size:,}: {series}", value)


def arguments(query: str) -> dict:
    """A query as boto3 wants it."""
    pairs = dict(pair.split("=") for pair in query.split("&"))
    found = {"maxResults": int(pairs["maxResults"])}
    if "states" in pairs:
        found["states"] = [pairs["states"]]
    if "createdAtBefore" in pairs:
        found["createdAtBefore"] = pairs["createdAtBefore"].replace("%3A", ":")
    return found


def rows(fig: figure.Figure, sizes: list[int]) -> None:
    least = {"StartJobRun": {"least": 5000}, "GetJobRun live": {"least": 40000}}
    whole = [size for size in sizes if size != LISTED]
    for name in ["StartJobRun", "GetJobRun live", "GetJobRun settled"]:
        compare(fig, name, whole, least.get(name, {}))
    for most in PAGES:
        for name in LISTS:
            full = [size for size in (whole if most * 2 <= whole[0] else sizes) if most * 2 <= size]
            compare(fig, f"ListJobRuns {name} {most}", full, {}, least_ratio=0.9)
    for what, unit, most in [
        ("resident after the start, MiB", "MiB", 100),
        ("resident after the load, MiB", "MiB", 100),
        ("start, s", "s", 2),
    ]:
        for size in whole:
            fig.row(f"{what.split(',')[0]}, {size:,} settled", fig.median(f"{size:,}: {what}"), unit, most=most)


def compare(fig: figure.Figure, name: str, sizes: list[int], goal: dict, **flat) -> None:
    """A load beside so many settled runs, each but the first compared with the same beside the fewest."""
    for size in sizes:
        beside = fig.median(f"{sizes[0]:,}: {name}/s") if size != sizes[0] else None
        baseline = f"the same beside {sizes[0]:,} settled runs" if beside else ""
        goals = goal | (flat if beside else {})
        fig.row(f"{name}, {size:,} settled", fig.median(f"{size:,}: {name}/s"), "1/s", baseline, beside, **goals)


def main() -> None:
    load.need_wrk()
    fig = figure.Figure(
        "history",
        "the API beside many settled runs, 16 connections, embedded S3",
        seconds={"type": int, "help": "length of each load [default: 5; 2 if quick]"},
        most={"type": int, "default": SIZES[-1], "help": "the largest past [default: %(default)s]"},
    )
    fig.flags.seconds = fig.flags.seconds or (2 if fig.flags.quick else 5)
    if not PAST.exists():
        sys.exit("This benchmark needs: cargo build --release -p firesteel-cli --example past")
    figure.install()
    sizes = [size for size in SIZES if size <= fig.flags.most]
    ahead: dict[str, int] = {}
    for _ in range(fig.count):
        for size in sizes:
            with figure.folder() as folder:
                at = Installation(Path(folder))
                bench = Bench(fig, at, size, ahead)
                try:
                    bench.make()
                    bench.take()
                finally:
                    if at.process is not None and at.process.poll() is None:
                        at.end()
                        at.wait_until_alone(limit=20)
    rows(fig, sizes)
    fig.finish()


if __name__ == "__main__":
    main()
