"""Orchestrators and tools that users already have, unmodified: each runs a real job through the environment alone."""

import subprocess
from pathlib import Path

import pytest
import runs
from installation import ROOT, clean_environment, wait_for
from pair import Storm

STORIES = Path(__file__).parent / "clients"


@pytest.fixture(scope="module")
def at(pair):
    """The harder of the two ways to be served: every client's requests are spread over two control planes, and each client's
    story is also told while one of them or the other is being killed."""
    return pair


@pytest.fixture(scope="module")
def application(at) -> str:
    return runs.application(at)


def environment(name: str) -> Path:
    """The folder of a client's own environment; installed at its first use."""
    made = [ROOT / "tools" / "client.sh", name]
    done = subprocess.run(made, env=clean_environment(), stdout=subprocess.PIPE, check=True, text=True)
    return Path(done.stdout.strip())


def tell(at, words: list, folder: Path | None = None, **variables: str) -> str:
    """Runs a client as a user would, with the variables of `firesteel env`; what it printed on stdout."""
    env = at.variables | {"AWS_DEFAULT_REGION": at.variables["AWS_REGION"], "NO_COLOR": "1"} | variables
    done = subprocess.run(words, env=env, cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{words} ended with {done.returncode}:\n{done.stdout}\n{done.stderr[-8000:]}\n{at.tail(40)}"
    return done.stdout


def told(out: str, word: str) -> list[list[str]]:
    """What follows this word at the beginning of lines."""
    return [line.split()[1:] for line in out.splitlines() if line.split()[:1] == [word]]


def says_hello(at, out: str, *names: str) -> None:
    """Each run that was told of has said hello in this name."""
    for (application, run, *_), name in zip(told(out, "RAN"), names, strict=True):
        assert runs.Run(at, application, run).log() == f"hello {name} sum 4950\n"


@pytest.fixture(scope="module")
def airflow(tmp_path_factory):
    home = tmp_path_factory.mktemp("airflow")
    python = environment("airflow") / "bin" / "python"
    variables = {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}

    def run(at, story: str) -> str:
        return tell(at, [python, STORIES / "airflow_story.py", at.role, runs.parameters(), story], home, **variables)

    return run


def test_airflow_creates_runs_watches_stops_and_deletes(at, airflow):
    with Storm(at):
        out = airflow(at, "life")
    says_hello(at, out, "airflow", "again")


def test_airflow_deletes_by_force_what_runs_and_what_waits(at, airflow):
    out = airflow(at, "force")
    (before,), (after,) = told(out, "BEFORE"), told(out, "AFTER")
    assert before == ["RUNNING", "QUEUED", "QUEUED"]
    assert after[0] == "CANCELLED" and set(after[1:]) <= {"SUCCESS", "CANCELLED"}, after


def test_airflow_defers_to_its_triggers(at, airflow):
    out = airflow(at, "deferred")
    says_hello(at, out, "deferred")
    assert told(out, "AFTER") == [["CANCELLED", "TERMINATED"]]


def test_aws_sdk_for_pandas(at):
    python = environment("wrangler") / "bin" / "python"
    with Storm(at):
        out = tell(at, [python, STORIES / "wrangler_story.py", at.role, runs.parameters()])
    says_hello(at, out, "wrangler") if told(out, "RAN")[0][2:] == ["SUCCESS"] else pytest.fail(out)
    assert "s3://bkt/jobs/no-such-script.py" in out


def test_emr_cli_prints_the_log_as_soon_as_the_run_succeeds(at, application, tmp_path):
    (tmp_path / "hello.py").write_bytes((Path(__file__).parent / "jobs" / "hello.py").read_bytes())
    words = ["run", "--application-id", application, "--job-role", at.role, "--entry-point", "hello.py"]
    words += ["--s3-code-uri", "s3://bkt/emr-cli/", "--s3-logs-uri", "s3://bkt/logs/", "--build", "--show-stdout"]
    words += ["--spark-submit-opts", runs.parameters(), "--job-args", "emr-cli", "--job-name", "emr-cli"]
    emr = environment("wrangler") / "bin" / "emr"
    with Storm(at):
        out = tell(at, [emr, *words], tmp_path)
    assert "hello emr-cli sum 4950" in out and "Job completed successfully!" in out


def test_dagster_pipes(at, application):
    home = environment("dagster")
    (module,) = home.glob("lib/python3*/site-packages/dagster_pipes")
    archive = at.folder / "dagster_pipes.zip"
    subprocess.run(["python3", "-m", "zipfile", "-c", archive, module], check=True)
    at.s3.upload_file(str(archive), "bkt", "jobs/dagster_pipes.zip")
    words = [home / "bin" / "python", STORIES / "dagster_story.py", at.role, runs.parameters(), application]
    with Storm(at):
        out = tell(at, words, DAGSTER_HOME="")
    assert "MESSAGE {'rows': 100, 'sum': 4950}" in out, out
    ((_, run),) = told(out, "RAN")
    tags = at.emr.get_job_run(applicationId=application, jobRunId=run)["jobRun"]["tags"]
    assert tags["dagster/job"] == "story"


def test_flyte(at):
    python = environment("flyte") / "bin" / "python"
    with Storm(at):
        out = tell(at, [python, STORIES / "flyte_story.py", at.role, runs.parameters()])
    says_hello(at, out, "flyte")
    assert told(out, "ENDED") == [["CANCELLED", "CANCELLED"]]


def test_the_loops_of_the_samples_have_no_pause(at):
    python = ROOT / ".cache" / "venv" / "bin" / "python"
    with Storm(at):
        out = tell(at, [python, STORIES / "samples_story.py", at.role, runs.parameters()])
    assert "hello samples sum 4950" in out
    ((application, _, state),) = told(out, "RAN")
    assert state == "SUCCESS"
    get = lambda: at.emr.get_application(applicationId=application)["application"]["state"]  # noqa: E731
    wait_for(lambda: get() == "TERMINATED", 20, "TERMINATED")
