"""Job runs as the tests start and watch them."""

import gzip
import subprocess
import time

from installation import FIRESTEEL, Installation, wait_for

TERMINAL = ("SUCCESS", "FAILED", "CANCELLED")
LEGAL = ["SUBMITTED", "PENDING", "SCHEDULED", "RUNNING", *TERMINAL]
LIMIT = 300  # seconds for a small run on a busy machine
# The smallest that the table of sizes knows: 1 vCPU each, one executor, no dynamic allocation.
SMALL = {
    "spark.driver.cores": "1",
    "spark.driver.memory": "512m",
    "spark.executor.cores": "1",
    "spark.executor.memory": "512m",
    "spark.executor.instances": "1",
    "spark.dynamicAllocation.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
}


def parameters(**changes: str | None) -> str:
    """SMALL as --conf's, with changes: `spark_driver_memory="1g"`; None leaves one out."""
    conf = SMALL | {name.replace("_", "."): value for name, value in changes.items()}
    return conf_words({name: value for name, value in conf.items() if value is not None})


def conf_words(conf: dict[str, str]) -> str:
    return " ".join(f"--conf {name}={value}" for name, value in conf.items())


class Run:
    """A run that was started."""

    def __init__(self, at: Installation, application: str, run: str) -> None:
        self.at, self.application, self.id = at, application, run
        self.states: list[str] = []

    def get(self) -> dict:
        """GetJobRun; remembers the states that were seen."""
        run = self.at.emr.get_job_run(applicationId=self.application, jobRunId=self.id)["jobRun"]
        if not self.states or self.states[-1] != run["state"]:
            self.states.append(run["state"])
        return run

    def wait(self, limit: float = LIMIT) -> dict:
        """Until it has ended."""

        def ended() -> dict | None:
            run = self.get()
            return run if run["state"] in TERMINAL else None

        try:
            return wait_for(ended, limit, f"run {self.id} ends (last: {self.get()['state']})", 0.3)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.story()}") from None

    def succeeded(self, limit: float = LIMIT) -> dict:
        """Waits; it must be SUCCESS."""
        run = self.wait(limit)
        assert run["state"] == "SUCCESS", f"{run['state']}: {run['stateDetails']}\n{self.story()}"
        return run

    def failed(self, limit: float = LIMIT) -> str:
        """Waits; it must be FAILED. Its stateDetails."""
        run = self.wait(limit)
        assert run["state"] == "FAILED", f"{run['state']}\n{self.story()}"
        return run["stateDetails"]

    def until(self, state: str, limit: float = LIMIT) -> None:
        """Until it is in this state."""
        wait_for(lambda: self.get()["state"] in (state, *TERMINAL), limit, f"run {self.id} is {state}")
        assert self.states[-1] == state, f"{self.states}\n{self.story()}"

    # -- logs

    def prefix(self) -> str:
        return f"logs/applications/{self.application}/jobs/{self.id}/"

    def log(self, stream: str = "stdout", worker: str = "SPARK_DRIVER") -> str:
        """One log as it stands in S3; empty if there is none yet."""
        try:
            body = self.at.s3.get_object(Bucket="bkt", Key=f"{self.prefix()}{worker}/{stream}.gz")["Body"].read()
        except self.at.s3.exceptions.NoSuchKey:
            return ""
        return gzip.decompress(body).decode()

    def says(self, text: str, limit: float = LIMIT) -> float:
        """Waits until the driver's stdout in S3 has this text; the clock then."""

        def said() -> bool:
            # What an ended run has not said it will not say: first its state, then its log.
            ended = self.get()["state"] in TERMINAL
            there = text in self.log()
            assert there or not ended, f"{text!r} was never said by {self.id}\n{self.story()}"
            return there

        wait_for(said, limit, f"{text!r} in the log of {self.id}: {self.get()['state']}")
        return time.time()

    def story(self) -> str:
        """All that helps to understand a failure."""
        tail = "\n".join(self.log("stderr").splitlines()[-60:])
        return f"states {self.states}\n--- stdout\n{self.log()}\n--- stderr\n{tail}\n--- up\n{self.at.tail(40)}"


def start(
    at: Installation,
    application: str,
    entry_point: str,
    arguments: list[str] | tuple[str, ...] = (),
    spark: str | None = None,
    **more,
) -> Run:
    """StartJobRun by boto3, with the logs in s3://bkt/logs/."""
    driver = {"entryPoint": entry_point, "entryPointArguments": list(arguments)}
    request = {
        "applicationId": application,
        "executionRoleArn": at.role,
        "jobDriver": {"sparkSubmit": driver | {"sparkSubmitParameters": spark or parameters()}},
        "configurationOverrides": {"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://bkt/logs/"}}},
    } | more
    return Run(at, application, at.emr.start_job_run(**request)["jobRunId"])


def application(at: Installation, label: str = "emr-7.13.0", **more) -> str:
    """CreateApplication by boto3; its id."""
    return at.emr.create_application(releaseLabel=label, type="SPARK", name="tests", **more)["applicationId"]


def follow(run: Run, *words: str) -> subprocess.Popen:
    """`firesteel logs -f`."""
    command = [str(FIRESTEEL), "logs", "-f", run.id, *words]
    env = run.at.variables
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
