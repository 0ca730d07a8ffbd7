"""`wrk` fed with requests that were made ahead."""

import json
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

SCRIPT = Path(__file__).with_name("load.lua")
CONNECTIONS = 16


class RanOut(Exception):
    """More could have been sent than was made ahead: the sample is worth nothing."""


def need_wrk() -> str:
    found = shutil.which("wrk")
    if found is None:
        sys.exit("This benchmark needs wrk: apt-get install wrk (or build it from github.com/wg/wrk)")
    return found


def send(folder: Path, host: str, requests: list[bytes], seconds: int, threads: int, again: bool = False) -> dict:
    """Sends at 16 connections for some seconds; what wrk counted. Every request is sent once, or `again`."""
    found = wrk(folder, host, requests, seconds, threads, again)
    # A conditional PUT that is sent twice is refused: first see whether there were enough.
    if found["overruns"]:
        raise RanOut
    if found["refused"] or found["broken"]:
        raise RuntimeError(f"not every request was served: {found}")
    return found | {"rate": found["requests"] / found["seconds"]}


def warm(folder: Path, host: str, requests: list[bytes], threads: int) -> int:
    """Sends for a second, round and round if need be, before something is measured; how many different ones were sent."""
    found = wrk(folder, host, requests, 1, threads, True)
    if found["broken"]:
        raise RuntimeError(f"not every request was served: {found}")
    return min(found["requests"], len(requests))


def wrk(folder: Path, host: str, requests: list[bytes], seconds: int, threads: int, again: bool) -> dict:
    for number in range(threads):
        with open(folder / f"load-{number}", "wb") as file:
            for request in requests if again else requests[number::threads]:
                file.write(b"%d\n%s" % (len(request), request))
    command = [need_wrk(), f"-t{threads}", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(SCRIPT), f"http://{host}"]
    command += ["--", str(folder / "load-"), "again" if again else "once"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(re.search(r"^result (.*)$", done.stdout, re.M)[1])


def runs_in_state(host: str) -> int:
    """Job runs that are not archived, as the server's metrics say."""
    with urllib.request.urlopen(f"http://{host}/metrics") as answer:
        return int(float(re.search(r"^firesteel_job_runs_in_state (\S+)", answer.read().decode(), re.M)[1]))
