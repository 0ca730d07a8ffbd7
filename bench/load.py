"""`wrk` fed with requests that were made ahead."""

import json
import re
import shutil
import subprocess
import sys
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
    for number in range(threads):
        with open(folder / f"load-{number}", "wb") as file:
            for request in requests if again else requests[number::threads]:
                file.write(b"%d\n%s" % (len(request), request))
    command = [need_wrk(), f"-t{threads}", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(SCRIPT), f"http://{host}"]
    command += ["--", str(folder / "load-"), "again" if again else "once"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(re.search(r"^result (.*)$", done.stdout, re.M)[1])
    # A conditional PUT that is sent twice is refused: first see whether there were enough.
    if found["overruns"]:
        raise RanOut
    if found["refused"] or found["broken"]:
        raise RuntimeError(f"not every request was served: {found}")
    return found | {"rate": found["requests"] / found["seconds"]}
