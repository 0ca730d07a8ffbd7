"""A Spark standalone master and worker of a runtime's stock Spark, and plain `spark-submit` to them."""

import subprocess
import time
from pathlib import Path

from installation import clean_environment, free_port, wait_for

READY = 60  # seconds until the worker is registered


class Standalone:
    """A cluster of one worker, all on loopback."""

    def __init__(self, runtime: dict, folder: Path, cores: int, memory: str) -> None:
        self.home, self.folder = Path(runtime["spark_home"]), folder
        self.port = free_port()
        # A daemon that finds its port taken must fail, not move on to the next one.
        options = "-Dspark.port.maxRetries=0 -Dspark.master.rest.enabled=false"
        self.env = clean_environment() | {
            "SPARK_HOME": str(self.home),
            "JAVA_HOME": runtime["java_home"],
            "PYSPARK_PYTHON": runtime["python"],
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(folder / "local"),
            "SPARK_DAEMON_MEMORY": "512m",
            "SPARK_MASTER_OPTS": options,
            "SPARK_WORKER_OPTS": options,
        }
        self.env.pop("SPARK_CONF_DIR", None)
        self.size = ["--cores", str(cores), "--memory", memory, "--work-dir", str(folder / "work")]
        self.daemons: list[subprocess.Popen] = []

    def __enter__(self) -> "Standalone":
        try:
            self._start("master.Master", "--port", str(self.port), says="I have been elected leader")
            self._start("worker.Worker", *self.size, self.url, "--port", "0", says="Successfully registered with master")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in self.daemons:
            daemon.wait()

    @property
    def url(self) -> str:
        return f"spark://127.0.0.1:{self.port}"

    def submit(self, script: Path, conf: dict[str, str]) -> tuple[float, str]:
        """The ordinary script, from its start to its end: seconds, and what the job printed."""
        command = [str(self.home / "bin" / "spark-submit"), "--master", self.url]
        for name, value in conf.items():
            command += ["--conf", f"{name}={value}"]
        with open(self.folder / "submit.log", "ab") as log:
            began = time.time()
            process = subprocess.Popen(
                [*command, str(script)],
                env=self.env,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
            printed = process.communicate()[0].decode()
            took = time.time() - began
        if process.returncode != 0:
            raise RuntimeError(f"spark-submit ended with {process.returncode}, see {self.folder}/submit.log")
        return took, printed

    def _start(self, name: str, *words: str, says: str) -> None:
        path = self.folder / f"{name}.log"
        command = [str(self.home / "bin" / "spark-class"), f"org.apache.spark.deploy.{name}"]
        command += ["--host", "127.0.0.1", "--webui-port", str(free_port()), *words]
        # spark-class becomes the JVM, so that the daemon ends with this very process.
        with open(path, "wb") as log:
            daemon = subprocess.Popen(command, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.daemons.append(daemon)

        def ready() -> bool:
            if daemon.poll() is not None:
                raise RuntimeError(f"{name} ended:\n{path.read_text()}")
            return says in path.read_text()

        wait_for(ready, READY, f"{name} is ready", 0.1)
