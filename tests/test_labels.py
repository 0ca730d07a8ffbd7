"""Labels run the word count, one of each Spark line, or all with `--all-labels`; one that cannot run here says why."""

import datetime
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import runs
from conftest import LABELS, OLD_LABEL
from installation import FIRESTEEL, ROOT, clean_environment, wait_for

ARGUMENTS = ["--input", "s3://bkt/input/*.json.gz", "--output"]
# Of Spark 3.2, the label of EMR's first guide: it needs a Python that many machines do not have any more.
NEEDS = re.compile(r" \(Spark \S+\) cannot run on this machine: it needs (Python|a JDK) .* found ")
RELEASES = ROOT / "docs" / "releases.md"
BEGIN, END = "<!-- begin: written by make labels -->\n", "<!-- end -->\n"
HEAD = "| label | Spark | Hadoop | Python | Java | day | word count |\n|---|---|---|---|---|---|---|\n"


def releases(**variables: str) -> dict[str, list[str]]:
    """What `firesteel release list` says of each label."""
    env = clean_environment() | variables
    text = subprocess.run([str(FIRESTEEL), "release", "list"], env=env, check=True, capture_output=True, text=True).stdout
    return {line.split()[0]: line.split(None, 5)[1:] for line in text.splitlines()[1:]}


def pytest_generate_tests(metafunc):
    if "label" in metafunc.fixturenames:
        everything = metafunc.config.getoption("--all-labels")
        metafunc.parametrize("label", list(releases()) if everything else [*LABELS, OLD_LABEL])


@pytest.fixture(scope="module")
def counted(up, request):
    """The word count of a label: with a few labels all at the same time, with all of them one after the other."""
    started = {}

    def begin(label: str) -> runs.Run:
        arguments = [*ARGUMENTS, f"s3://bkt/output/labels/{label}/"]
        return runs.start(up, runs.application(up, label), "s3://bkt/jobs/word_count.py", arguments)

    def of(label: str) -> runs.Run:
        labels = [label] if request.config.getoption("--all-labels") else [*LABELS, OLD_LABEL]
        started.update({label: begin(label) for label in labels if label not in started})
        return started[label]

    return of


@pytest.fixture(scope="module")
def table(request):
    """Rows of the table in docs/releases.md by label; with all labels (or some, by -k) the new ones are written there."""
    rows: dict[str, str] = {}
    yield rows
    if request.config.getoption("--all-labels"):
        before, _, rest = RELEASES.read_text().partition(BEGIN)
        old, _, after = rest.partition(END)
        known = {line.split("|")[1].strip(): f"{line}\n" for line in old.splitlines() if line.startswith("| emr-")} | rows
        written = "".join(known[label] for label in releases() if label in known)
        RELEASES.write_text(before + BEGIN + HEAD + written + END + after)


def test_the_word_count(counted, table, label):
    run = counted(label)
    got = run.wait(limit=900)  # the first start installs what is missing
    assert got["releaseLabel"] == label
    if got["state"] == "FAILED" and NEEDS.search(got["stateDetails"]):
        assert label not in LABELS, got["stateDetails"]
        table[label] = row(label, f"not here: {got['stateDetails']}")
        return
    assert got["state"] == "SUCCESS", f"{got['state']}: {got['stateDetails']}\n{run.story()}"
    assert "4800 words, 13 different" in run.log()
    table[label] = row(label, "ran")


def row(label: str, verdict: str) -> str:
    """A row of the table: what is installed for the label."""
    spark = releases()[label][0]
    cache = Path(os.environ.get("FIRESTEEL_CACHE") or Path.home() / ".cache" / "firesteel")
    found = sorted(cache.glob(f"runtimes/spark-{spark}-layout*/runtime.json"), key=lambda path: path.stat().st_mtime)
    runtime = json.loads(found[-1].read_text()) if found else {}
    java = re.search(r" VM (\S+?)(-|$)", runtime.get("java", {}).get("build", ""))
    facts = [runtime.get("spark_version", spark), runtime.get("hadoop_version", "–"), runtime.get("python_version", "–")]
    day = datetime.datetime.now(datetime.timezone.utc).date()
    return "| " + " | ".join([label, *facts, java[1] if java else "–", str(day), verdict]) + " |\n"


@pytest.fixture
def old_machine(tmp_path) -> dict[str, str]:
    """The environment of a machine whose only Python is newer than Spark 3.2 can bear."""
    only = tmp_path / "bin"
    only.mkdir()
    newest = "import sys; print('\\n'.join([sys.executable, '3.14.0']))"
    (only / "python3").write_text(f'#!/bin/sh\nexec {sys.executable} -c "{newest}"\n')
    (only / "python3").chmod(0o755)
    cache = str(tmp_path / "cache")
    return {"PATH": str(only), "PYENV_ROOT": "/nonexistent", "HOME": str(tmp_path), "FIRESTEEL_CACHE": cache}


def test_a_label_that_cannot_run_here_says_why(alone, old_machine):
    alone.start(**old_machine)
    application = runs.application(alone, OLD_LABEL)
    run = runs.start(alone, application, "s3://bkt/jobs/word_count.py")
    said = run.failed(limit=60)
    assert NEEDS.search(said) and "Python 3.6 to 3.10" in said and "found 3.14.0" in said, said
    get = lambda: alone.emr.get_application(applicationId=application)["application"]  # noqa: E731
    stopped = wait_for(lambda: get()["state"] == "STOPPED" and get(), 30, "the application is STOPPED")
    assert "Python 3.6 to 3.10" in stopped["stateDetails"]
    assert "FIRESTEEL_PYTHON_3_10" in stopped["stateDetails"]


def test_a_python_that_is_named_is_taken(old_machine, tmp_path):
    named = tmp_path / "any name"
    named.write_text("#!/bin/sh\nprintf '/opt/python\\n3.10.1\\n'\n")
    named.chmod(0o755)
    assert "cannot run" in releases(**old_machine)[OLD_LABEL][-1]
    assert releases(**old_machine, FIRESTEEL_PYTHON_3_10=str(named))[OLD_LABEL][-1] == "can be installed"
