#!/usr/bin/env python3
"""`make demo`: a genome-wide association study in Hail through the EMR Serverless API, on this machine.

Starts a `firesteel up` of its own (data in .firesteel/demo, a free port) and types what a user would type: every command
is shown before it runs, and can be copied. Ends with everything stopped; exit 0 only if the study found what was planted.
"""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = Path(__file__).resolve().parent
FIRESTEEL = ROOT / "target" / "release" / "firesteel"
AWS = ROOT / ".cache" / "venv" / "bin" / "aws"
DATA = ROOT / ".firesteel" / "demo"
LOG = ROOT / ".firesteel" / "demo.log"
LABEL = "emr-7.13.0"
RUN_LIMIT = 20 * 60  # seconds for one job run, on a slow and busy machine
TERMINAL = {"SUCCESS", "FAILED", "CANCELLED"}

CREATE = """aws emr-serverless create-application --release-label emr-7.13.0 --type SPARK \\
    --name my-spark-application --maximum-capacity '{"cpu": "8 vCPU", "memory": "32 GB"}' \\
    --query applicationId --output text"""
# One driver and two executors: heaps of 4 GB in all, for a laptop with 2 cores and 8 GB.
PARAMETERS = " ".join(
    [
        "--archives s3://my-emr-serverless-bucket/archives/pyspark_hail.tar.gz#environment",
        "--jars s3://my-emr-serverless-bucket/archives/hail-all-spark.jar",
        "--conf spark.emr-serverless.driverEnv.PYSPARK_PYTHON=./environment/bin/python",
        "--conf spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON=./environment/bin/python",
        "--conf spark.executorEnv.PYSPARK_PYTHON=./environment/bin/python",
        "--conf spark.emr-serverless.driverEnv.HAIL_JAR=./hail-all-spark.jar",
        "--conf spark.driver.cores=1 --conf spark.driver.memory=2g",
        "--conf spark.executor.cores=1 --conf spark.executor.memory=1g",
        "--conf spark.dynamicAllocation.enabled=false --conf spark.executor.instances=2",
    ]
).replace(" --", " \\\n    --")
START = """{cli} start-job-run --application-id $APPLICATION_ID \\
    --execution-role-arn $FIRESTEEL_ROLE_ARN --name {name} \\
    --job-driver '{{"sparkSubmit": {{
        "entryPoint": "s3://my-emr-serverless-bucket/scripts/{script}",
        "entryPointArguments": ["--output", "s3://my-emr-serverless-bucket/output/"],
        "sparkSubmitParameters": "'"$PARAMETERS"'"}}}}' \\
    --configuration-overrides '{{
        "applicationConfiguration": [{{"classification": "spark-defaults", "properties": {{
            "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
            "spark.kryo.registrator": "is.hail.kryo.HailKryoRegistrator"}}}}],
        "monitoringConfiguration": {{"s3MonitoringConfiguration": {{
            "logUri": "s3://my-emr-serverless-bucket/logs/"}}}}}}' \\
    {pick}"""
# How a shell takes the id out of the answer: the AWS CLI has --query, our verbs print JSON.
PICK = {
    "aws emr-serverless": "--query jobRunId --output text",
    "firesteel": """| sed -n 's/.*"jobRunId": "\\(.*\\)".*/\\1/p'""",
}

BOLD, DIM, GREEN, RED, PLAIN = (
    ("\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m") if sys.stdout.isatty() else ("",) * 5
)


class Failure(Exception):
    """Why the demo ended early, in words."""


def say(text: str) -> None:
    print(text, flush=True)


def heading(text: str) -> None:
    say(f"\n{GREEN}# {text}{PLAIN}")


class Shell:
    """Types commands: shows each, runs it, prints what it says and how long it took."""

    def __init__(self) -> None:
        self.variables = {
            name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FIRESTEEL_H"))
        }
        self.variables["PATH"] = os.pathsep.join([str(FIRESTEEL.parent), str(AWS.parent), os.environ["PATH"]])
        self.variables["FIRESTEEL_HOME"] = str(DATA)
        # The CLI must see no account of this user's, and no pager.
        self.variables |= {"AWS_PAGER": "", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}

    def quiet(self, command: str) -> str:
        """Runs a command; what it printed."""
        shell = ["bash", "-o", "pipefail", "-c", command]
        done = subprocess.run(shell, env=self.variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise Failure(f"{command}\nended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout.rstrip()

    def run(self, command: str) -> str:
        """Shows a command, runs it, prints its output."""
        say(f"{BOLD}$ {command}{PLAIN}")
        began = time.monotonic()
        output = self.quiet(command)
        took = f"{DIM}({time.monotonic() - began:.1f} s){PLAIN}"
        say(f"{output}\n{took}" if output else took)
        return output

    def keep(self, name: str, command: str) -> None:
        """Runs `NAME=$(command)`."""
        say(f"{BOLD}$ export {name}=$({command}){PLAIN}")
        self.variables[name] = self.quiet(command)
        say(f"{DIM}  {name}={self.variables[name]}{PLAIN}")

    def set(self, name: str, value: str) -> None:
        """Runs `NAME="value"`; a value may go on over lines that end in a backslash."""
        say(f'{BOLD}$ export {name}="{value}"{PLAIN}')
        self.variables[name] = value.replace("\\\n", "")

    def take_exports(self) -> None:
        """`eval "$(firesteel env)"`."""
        say(f"""{BOLD}$ eval "$(firesteel env)"{PLAIN}""")
        text = self.quiet("""eval "$(firesteel env)" && env -0""")
        self.variables |= dict(line.split("=", 1) for line in text.split("\0") if line.startswith(("AWS_", "FIRESTEEL_")))
        say(f"{DIM}  AWS_ENDPOINT_URL={self.variables['AWS_ENDPOINT_URL']} and five more{PLAIN}")


class Up:
    """`firesteel up` in the background, ended by its process id."""

    def __init__(self, shell: Shell) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        say(f"{BOLD}$ firesteel up --port {port} &{PLAIN}")
        command = [str(FIRESTEEL), "up", "--port", str(port)]
        # A session of its own: Ctrl-C reaches this script, which then ends it in good order.
        self.process = subprocess.Popen(
            command,
            env=shell.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=open(LOG, "w"),
            text=True,
            start_new_session=True,
        )
        line = self.process.stdout.readline()
        if not line:
            raise Failure(f"`firesteel up` did not start: {LOG.read_text()}")
        say(line.rstrip())

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure("`firesteel up` did not end within 30 s of SIGTERM and was killed") from None


def follow(shell: Shell, began: float) -> subprocess.Popen:
    """`firesteel logs -f` in the background: each line is printed as it comes."""
    command = [str(FIRESTEEL), "logs", "-f", shell.variables["JOB_RUN_ID"]]
    say(f"{BOLD}$ firesteel logs -f $JOB_RUN_ID &{PLAIN}")
    process = subprocess.Popen(command, env=shell.variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def pump() -> None:
        for line in process.stdout:
            say(f"{DIM}{time.monotonic() - began:6.1f} s{PLAIN}  {GREEN}│{PLAIN} {line.rstrip()}")

    process.pump = threading.Thread(target=pump, daemon=True)
    process.pump.start()
    return process


def watch(shell: Shell, began: float, logs: subprocess.Popen, get: str) -> None:
    """Polls the run until it ends, and says every new state."""
    state = None
    while state not in TERMINAL:
        if time.monotonic() - began > RUN_LIMIT:
            raise Failure(f"the run is still {state} after {RUN_LIMIT // 60} minutes")
        run = json.loads(shell.quiet(get))["jobRun"]
        now, details = run["state"], run["stateDetails"]
        if now != state:
            state = now
            if state in TERMINAL:
                logs.wait(timeout=60)  # it ends with the run, when it has printed everything
                logs.pump.join(timeout=10)
            about = f"  {details}" if details not in ("", state) else ""
            say(f"{DIM}{time.monotonic() - began:6.1f} s{PLAIN}  {BOLD}{state}{PLAIN}{about}")
        else:
            time.sleep(1)
    if state != "SUCCESS":
        tail = shell.quiet("firesteel logs --stderr $JOB_RUN_ID | tail -n 40")
        raise Failure(f"the run is {state}: {details}\nThe end of its driver's stderr:\n{tail}")


def study(shell: Shell, cli: str, name: str, script: str) -> None:
    """One run from start to end, with its live log."""
    began = time.monotonic()
    shell.keep("JOB_RUN_ID", START.format(cli=cli, name=name, script=script, pick=PICK[cli]))
    get = f"{cli} get-job-run --application-id $APPLICATION_ID --job-run-id $JOB_RUN_ID"
    say(f"{BOLD}$ {get}{PLAIN}    {DIM}# again and again{PLAIN}")
    logs = follow(shell, began)
    try:
        watch(shell, began, logs, get)
    finally:
        logs.kill()
        logs.wait()


def fresh_folder() -> None:
    """An empty data folder; refused while another demo uses it."""
    DATA.parent.mkdir(mode=0o700, exist_ok=True)
    lock = DATA / "up.lock"
    if lock.exists():
        with open(lock) as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Failure(f"a `firesteel up` is running on {DATA}: end it first") from None
    shutil.rmtree(DATA, ignore_errors=True)


def tell(shell: Shell) -> None:
    """The story."""
    heading(f"What the study needs: {LABEL}'s Spark (once, some minutes), and Hail as a jar and a Python archive (once)")
    say(f"{BOLD}$ firesteel release install {LABEL}{PLAIN}")
    if subprocess.run([str(FIRESTEEL), "release", "install", LABEL], env=shell.variables).returncode != 0:
        raise Failure(f"{LABEL} could not be installed")
    say(f"{BOLD}$ cd $(examples/hail-gwas/build-archive.py){PLAIN}")
    built = subprocess.run([sys.executable, EXAMPLE / "build-archive.py"], stdout=subprocess.PIPE, text=True)
    if built.returncode != 0:
        raise Failure("Hail's archive could not be built")
    os.chdir(built.stdout.strip())

    heading("S3, STS and the EMR Serverless API, in one process on one port")
    up = Up(shell)
    try:
        shell.take_exports()
        walk(shell)
    finally:
        heading("Everything ends")
        up.end()
        say(f"Its data is left in {DATA.relative_to(ROOT)}: firesteel up --data {DATA.relative_to(ROOT)}")


def walk(shell: Shell) -> None:
    """What the user types once it is up."""
    heading("The unmodified AWS CLI stages the study in S3 and makes an application")
    shell.run("aws s3 mb s3://my-emr-serverless-bucket")
    shell.keep("APPLICATION_ID", CREATE)
    for file in ["hail-all-spark.jar", "pyspark_hail.tar.gz"]:
        shell.run(f"aws s3 cp --no-progress {file} s3://my-emr-serverless-bucket/archives/")
    for script in ["hail-script-example.py", "check.py"]:
        shell.run(f"aws s3 cp --no-progress {EXAMPLE / script} s3://my-emr-serverless-bucket/scripts/")

    heading("The study runs: a driver and two executors, each a worker of its own; its log is followed from S3")
    shell.set("PARAMETERS", PARAMETERS)
    study(shell, "aws emr-serverless", "hail", "hail-script-example.py")

    heading("Its result is a Hail Table in S3, and so are its logs")
    shell.run("aws s3 ls s3://my-emr-serverless-bucket/output/test.ht/")
    logs = "s3://my-emr-serverless-bucket/logs/applications/$APPLICATION_ID/jobs/$JOB_RUN_ID/"
    shell.run(f"aws s3 ls --recursive {logs}")
    shell.run(f"aws s3 cp {logs}SPARK_DRIVER/stdout.gz - | gunzip | tail -n 5")

    heading("A second run reads the table back and checks it; Firesteel's own verbs speak the same API")
    study(shell, "firesteel", "hail-check", "check.py")


def main() -> int:
    began = time.monotonic()
    for tool in (FIRESTEEL, AWS):
        if not tool.exists():
            say(f"{tool} is missing: `make demo` builds what this needs")
            return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        fresh_folder()
        tell(Shell())
    except (Failure, subprocess.TimeoutExpired) as failure:
        say(f"\n{RED}The demo failed after {time.monotonic() - began:.0f} s:{PLAIN} {failure}")
        say(f"The log of `firesteel up` is {LOG.relative_to(ROOT)}.")
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted.")
        return 130
    say(f"\n{GREEN}The planted effects were found. {time.monotonic() - began:.0f} s in all.{PLAIN}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
