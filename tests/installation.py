"""A `firesteel up` of the tests' own: its folder, its port, its clients, and proof that nothing of it is left."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import boto3
import botocore.config

ROOT = Path(__file__).resolve().parents[1]
FIRESTEEL = Path(os.environ.get("FIRESTEEL", ROOT / "target" / "release" / "firesteel"))
AWS = ROOT / ".cache" / "venv" / "bin" / "aws"
READY = 120  # seconds that `up` may take until its line, on a loaded machine
END = 60  # seconds that it may take to end


class Installation:
    """One data folder and whoever serves it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "up.log"
        self.port = free_port()
        self.scheme = "http"
        self.process: subprocess.Popen | None = None
        self._variables: dict[str, str] = {}
        self._clients: dict[str, object] = {}

    # -- life

    def start(self, *words: str, **variables: str) -> "Installation":
        """`firesteel up`, until its one line says that it is ready. `variables` go into its environment."""
        self.serve("up", "--port", str(self.port), *words, **variables)
        return self

    def serve(self, verb: str, *words: str, **variables: str) -> None:
        """Starts a server over the data folder and waits for its line."""
        self.process = subprocess.Popen(
            [str(FIRESTEEL), verb, "--data", str(self.data), *words],
            env=clean_environment() | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=open(self.log, "a"),
            text=True,
            start_new_session=True,
        )
        watchdog = Watchdog(self.process, READY)
        line = self.process.stdout.readline()
        watchdog.off()
        assert f"ready on {self.scheme}://" in line and f":{self.port} " in line, f"{verb} said {line!r}:\n{self.tail()}"

    def end(self, how: int = signal.SIGTERM, limit: float = END) -> float:
        """Sends a signal and waits for the end; the seconds that it took."""
        began = time.monotonic()
        self.process.send_signal(how)
        try:
            self.process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"still there {limit} s after signal {how}:\n{self.tail()}") from None
        return time.monotonic() - began

    def tail(self, lines: int = 80) -> str:
        """The end of what `up` said on stderr."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def processes(self) -> dict[int, str]:
        """Everything that runs and has to do with this data folder, but the tests themselves: pid → command."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                traces = [read(entry / "environ"), read(entry / "cmdline"), link(entry / "cwd")]
                if any(str(self.data).encode() in trace for trace in traces):
                    found[int(entry.name)] = traces[1].replace(b"\0", b" ").decode(errors="replace")[:200]
        return found

    def wait_until_alone(self, limit: float) -> None:
        """Until no process of it is left; what is left then is an error, and is killed."""
        try:
            wait_for(lambda: not self.processes(), limit, "no process is left")
        except AssertionError:
            left = self.processes()
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"left after {limit} s: {left}\n{self.tail()}") from None

    # -- clients

    @property
    def variables(self) -> dict[str, str]:
        """The environment after `eval "$(firesteel env)"`."""
        if not self._variables:
            script = 'eval "$("$0" env --data "$1")" && env -0'
            command = ["sh", "-c", script, str(FIRESTEEL), str(self.data)]
            text = subprocess.run(command, env=clean_environment(), check=True, capture_output=True, text=True).stdout
            self._variables = dict(pair.split("=", 1) for pair in text.split("\0") if pair)
        return self._variables

    @property
    def role(self) -> str:
        return self.variables["FIRESTEEL_ROLE_ARN"]

    def shell(self, command: str, **variables: str) -> str:
        """A command line with the unmodified AWS CLI and our binary on the path; what it printed."""
        env = self.variables | variables
        env["PATH"] = os.pathsep.join([str(AWS.parent), str(FIRESTEEL.parent), env["PATH"]])
        words = ["bash", "-o", "pipefail", "-c", command]
        done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{command}\nended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def ask(self, *words: str) -> dict:
        """One of our verbs; its answer."""
        command = [str(FIRESTEEL), *words]
        done = subprocess.run(command, env=self.variables, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return json.loads(done.stdout or "{}")

    def client(self, service: str):
        """A boto3 client, with retries as they come."""
        if service not in self._clients:
            self._clients[service] = self.connect(service, self.variables["AWS_ENDPOINT_URL"])
        return self._clients[service]

    def connect(self, service: str, endpoint: str):
        """A new boto3 client of this endpoint with the operator's keys."""
        names = {"AWS_REGION": "region_name"}
        names |= {"AWS_ACCESS_KEY_ID": "aws_access_key_id", "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key"}
        config = botocore.config.Config(retries={"mode": "standard"}, s3={"addressing_style": "path"})
        arguments = {to: self.variables[name] for name, to in names.items()}
        return boto3.session.Session().client(service, config=config, endpoint_url=endpoint, **arguments)

    @property
    def emr(self):
        return self.client("emr-serverless")

    @property
    def s3(self):
        return self.client("s3")

    def put(self, key: str, body: bytes | str, bucket: str = "bkt") -> str:
        """Writes an object; its URI."""
        self.s3.put_object(Bucket=bucket, Key=key, Body=body)
        return f"s3://{bucket}/{key}"

    def keys(self, prefix: str, bucket: str = "bkt") -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


class Watchdog:
    """Kills a process that is not done in time, so that reading from it ends."""

    def __init__(self, process: subprocess.Popen, limit: float) -> None:
        self.timer = threading.Timer(limit, process.kill)
        self.timer.start()

    def off(self) -> None:
        self.timer.cancel()


def clean_environment() -> dict[str, str]:
    """The tester's environment without anything that points at another AWS or installation."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("AWS_") and name not in ("FIRESTEEL_HOME", "FIRESTEEL_ROLE_ARN")
    }
    return kept | {"AWS_PAGER": "", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def link(path: Path) -> bytes:
    try:
        return os.readlink(path).encode()
    except OSError:
        return b""


def wait_for(condition, limit: float, what: str, pause: float = 0.2):
    """The condition's first true value; fails after `limit` seconds."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {limit} s: {what}"
        time.sleep(pause)
