"""From a print in the driver to the line in S3, and beside it to the line in the worker's local file.

A script prints the time ten times a second. One thread reads only the new bytes of the log object with ranged GETs,
another reads the new bytes of the local file that the job writes; both look every 50 ms."""

import threading
import time
import zlib
from pathlib import Path

import figure
import runs
from botocore.exceptions import ClientError
from installation import ROOT, Installation, wait_for

POLL = 0.05  # seconds
SECONDS, QUICK_SECONDS = 60, 15
SAMPLES = 3
TICKING = ROOT / "bench" / "jobs" / "ticking.py"


class Seen:
    """Lines as they come into sight; notes the delay of each tick."""

    def __init__(self) -> None:
        self.rest, self.delays = b"", []

    def more(self, new: bytes) -> None:
        now = time.time()
        *lines, self.rest = (self.rest + new).split(b"\n")
        self.delays += [now - float(line.split()[1]) for line in lines if line.startswith(b"tick ")]


class Members:
    """A gzip file of many members that grows; a member may come in pieces."""

    def __init__(self) -> None:
        self.inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def more(self, data: bytes) -> bytes:
        out = b""
        while data:
            out += self.inflate.decompress(data)
            data = self.inflate.unused_data
            if self.inflate.eof:
                self.inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
        return out


class Followers:
    """Two threads that read until told to end."""

    def __init__(self, at: Installation, run: runs.Run) -> None:
        self.at, self.run, self.over = at, run, threading.Event()
        self.s3, self.local = Seen(), Seen()
        self.threads = [threading.Thread(target=self.follow_s3), threading.Thread(target=self.follow_local)]

    def __enter__(self) -> "Followers":
        [thread.start() for thread in self.threads]
        return self

    def __exit__(self, *_) -> None:
        self.over.set()
        [thread.join() for thread in self.threads]

    def follow_s3(self) -> None:
        key, offset, members = f"{self.run.prefix()}SPARK_DRIVER/stdout.gz", 0, Members()
        while not self.over.wait(POLL):
            try:
                new = self.at.s3.get_object(Bucket="bkt", Key=key, Range=f"bytes={offset}-")["Body"].read()
            except ClientError as error:
                if error.response["Error"]["Code"] not in ("NoSuchKey", "InvalidRange", "416"):
                    raise
                continue
            offset += len(new)
            self.s3.more(members.more(new))

    def follow_local(self) -> None:
        file = None
        while not self.over.wait(POLL):
            if file is None:
                found = [path for path in self.at.data.rglob("logs/stdout") if self.run.id in str(path)]
                file = open(found[0], "rb") if found else None
            if file is not None:
                self.local.more(file.read())
        if file is not None:
            file.close()


def take(fig: figure.Figure, at: Installation, app: str, seconds: int) -> None:
    """One run, followed on both sides."""
    run = runs.start(at, app, "s3://bkt/jobs/ticking.py", [str(seconds)], name="ticking")
    with Followers(at, run) as seen:
        run.succeeded(seconds + runs.LIMIT)
        wait_for(lambda: len(seen.s3.delays) == seconds * 10, 10, "every line is in S3")
    assert len(seen.local.delays) == seconds * 10, "the local follower has missed lines"
    for series, delays in [("S3", seen.s3.delays), ("local", seen.local.delays)]:
        fig.note(f"{series} p50", figure.percentile(delays, 0.5))
        fig.note(f"{series} p99", figure.percentile(delays, 0.99))
        fig.note(f"{series} max", max(delays))


def main() -> None:
    fig = figure.Figure("log_latency", "a print in the driver → the line readable")
    figure.install()
    seconds = QUICK_SECONDS if fig.flags.quick else SECONDS
    fig.count = fig.flags.samples or (1 if fig.flags.quick else SAMPLES)
    with figure.folder() as folder, figure.installation(Path(folder)) as at:
        at.s3.create_bucket(Bucket="bkt")
        at.put("jobs/ticking.py", TICKING.read_bytes())
        app = runs.application(at)
        for _ in range(fig.count):
            take(fig, at, app, seconds)
    beside = "the worker's local file, followed at the same pace"
    fig.row("p50", fig.median("S3 p50"), "s", "", fig.median("local p50"))
    fig.row("p99", fig.median("S3 p99"), "s", beside, fig.median("local p99"), most=1.0)
    fig.row("max", fig.median("S3 max"), "s", "", fig.median("local max"))
    fig.finish()


if __name__ == "__main__":
    main()
