"""StartJobRun (durable) and GetJobRun per second at 16 connections, each beside the plainest request of its kind.

No driver starts: the installation's quota is 0 vCPU, so every run is acknowledged, durable, and waits. After each
StartJobRun load the server is killed (SIGKILL) and started again, and every acknowledged run must still be there."""

import json
import signal
import time
import uuid
from pathlib import Path

import figure
import load
import runs
from installation import Installation, wait_for
from signing import Signer

SIZE = 1024  # bytes of the baseline's objects
NO_DRIVERS = ["--quota-vcpu", "0"]
STARTED = 30  # seconds until the application must be started
FIRST_GUESS = 6_000  # requests per second made ahead for the first sample of a kind


class Bench:
    """The four loads against one fresh installation."""

    def __init__(self, fig: figure.Figure, at: Installation, ahead: dict[str, int]) -> None:
        self.fig, self.at, self.folder, self.ahead = fig, at, at.folder, ahead
        self.seconds, self.threads = fig.flags.seconds, fig.flags.threads
        self.sign = Signer(self.at)

    def take(self) -> None:
        """One sample of each, ours beside its baseline."""
        self.at.s3.create_bucket(Bucket="bkt")
        app = runs.application(self.at)
        self.at.emr.start_application(applicationId=app)
        state = lambda: self.at.emr.get_application(applicationId=app)["application"]["state"]  # noqa: E731
        wait_for(lambda: state() == "STARTED", STARTED, "the application is started")
        some = [runs.start(self.at, app, "s3://bkt/jobs/none.py").id for _ in range(16)]
        self.load("healthz", [f"GET /healthz HTTP/1.1\r\nhost: {self.sign.host}\r\n\r\n".encode()])
        self.load("GetJobRun", [self.get(app, run) for run in some])
        self.load("PUT", self.put, SIZE)
        acknowledged = self.load("StartJobRun", self.start, app)
        self.prove(acknowledged + len(some))

    def get(self, app: str, run: str) -> bytes:
        return self.sign.wire("emr-serverless", "GET", f"/applications/{app}/jobruns/{run}")

    def put(self, size: int) -> bytes:
        body = uuid.uuid4().bytes * (size // 16)
        return self.sign.wire("s3", "PUT", f"/bkt/bench/{uuid.uuid4()}", body, if_none_match="*")

    def start(self, app: str) -> bytes:
        driver = {"entryPoint": "s3://bkt/jobs/none.py", "sparkSubmitParameters": runs.parameters()}
        body = {"clientToken": str(uuid.uuid4()), "executionRoleArn": self.at.role, "name": "bench"}
        text = json.dumps(body | {"jobDriver": {"sparkSubmit": driver}}).encode()
        path = f"/applications/{app}/jobruns"
        return self.sign.wire("emr-serverless", "POST", path, text, content_type="application/json")

    def load(self, name: str, requests, *about) -> int:
        """One load; `requests` are sent again and again, or made by a function and each sent once. How many were."""
        again = isinstance(requests, list)
        first = requests if again else [requests(*about) for _ in range(FIRST_GUESS)]
        warmed = load.warm(self.folder, self.sign.host, first, self.threads)
        while True:
            made = requests if again else [requests(*about) for _ in range(self.ahead[name] * self.seconds)]
            before = figure.cpu_seconds(self.at.process.pid)
            try:
                found = load.send(self.folder, self.sign.host, made, self.seconds, self.threads, again)
                break
            except load.RanOut:
                self.ahead[name] *= 2
        spent = figure.cpu_seconds(self.at.process.pid) - before
        self.fig.note(f"{name}/s", found["rate"])
        self.fig.note(f"{name} p50 ms", found["p50_ms"])
        self.fig.note(f"{name} p99 ms", found["p99_ms"])
        self.fig.note(f"{name} server CPU µs per request", spent / found["requests"] * 1e6)
        self.ahead[name] = int(max(1000, found["rate"] * 1.5))
        return found["requests"] + (0 if again else warmed)

    def prove(self, acknowledged: int) -> None:
        """Every acknowledged run survives a kill."""
        self.at.end(signal.SIGKILL)
        began = time.monotonic()
        self.at.start(*NO_DRIVERS)
        self.fig.note("ready after a kill, s", time.monotonic() - began)
        there = load.runs_in_state(self.sign.host)
        self.fig.note("runs acknowledged", acknowledged)
        self.fig.note("runs there after a kill", there)
        if there < acknowledged:
            raise SystemExit(f"{acknowledged} runs were acknowledged, {there} are there after a kill")


def main() -> None:
    load.need_wrk()
    fig = figure.Figure(
        "api_rate",
        "StartJobRun and GetJobRun at 16 connections, embedded S3",
        seconds={"type": int, "help": "length of each load [default: 5; 2 if quick]"},
        threads={"type": int, "default": 1, "help": "threads of wrk [default: 1]"},
    )
    fig.flags.seconds = fig.flags.seconds or (2 if fig.flags.quick else 5)
    figure.install()
    ahead = dict.fromkeys(["healthz", "GetJobRun", "PUT", "StartJobRun"], FIRST_GUESS)
    for _ in range(fig.count):
        with figure.folder() as folder:
            fig.note("fdatasync of 4 KiB, ms", figure.fdatasync_ms(Path(folder)))
            with figure.installation(Path(folder), *NO_DRIVERS) as at:
                Bench(fig, at, ahead).take()
    beside_put = f"conditional PUT of {SIZE} bytes to the same embedded S3"
    fig.row("StartJobRun durable", fig.median("StartJobRun/s"), "1/s", beside_put, fig.median("PUT/s"), least=2000)
    beside_health = "GET /healthz of the same server"
    fig.row("GetJobRun", fig.median("GetJobRun/s"), "1/s", beside_health, fig.median("healthz/s"), least=20000)
    fig.row("StartJobRun p99", fig.median("StartJobRun p99 ms"), "ms", "p99 of that PUT", fig.median("PUT p99 ms"))
    fig.finish()


if __name__ == "__main__":
    main()
