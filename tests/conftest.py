"""One `firesteel up` for all tests that do not end it, and the labels' runtimes."""

import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import runs  # noqa: E402
from installation import FIRESTEEL, ROOT, Installation, clean_environment  # noqa: E402
from pair import Pair, Storm  # noqa: E402

LABELS = ["emr-7.13.0", "emr-6.15.0", "emr-spark-8.1.0"]
# Runs where there is a Python that it bears, and says what it needs where there is none.
OLD_LABEL = "emr-6.7.0"
JOBS = Path(__file__).parent / "jobs"
WORD_COUNT = ROOT / "examples" / "word-count"


def pytest_addoption(parser):
    parser.addoption("--all-labels", action="store_true", help="test_labels.py: every label of the catalogue, and the table in docs")


@pytest.fixture(scope="session", autouse=True)
def runtimes():
    """The labels that the tests run on; the first time this takes minutes, and it shows its progress."""
    for label in LABELS:
        subprocess.run([str(FIRESTEEL), "release", "install", label], env=clean_environment(), check=True)
    subprocess.run([str(FIRESTEEL), "release", "install", OLD_LABEL], env=clean_environment(), check=False)


@pytest.fixture(scope="session")
def up(tmp_path_factory, runtimes):
    """A running installation with a bucket `bkt` that holds the jobs; nothing of it may be left at the end."""
    at = Installation(tmp_path_factory.mktemp("up")).start()
    try:
        at.s3.create_bucket(Bucket="bkt")
        stage(at)
        yield at
    finally:
        at.end()
    at.wait_until_alone(limit=60)


@pytest.fixture(scope="session")
def pair(tmp_path_factory, runtimes):
    """Two control planes on one state, asked in turn; the same bucket `bkt`."""
    at = Pair(tmp_path_factory.mktemp("pair")).start()
    try:
        at.s3.create_bucket(Bucket="bkt")
        stage(at)
        yield at
    finally:
        at.end()
    at.wait_until_alone(limit=60)


@pytest.fixture(scope="module", params=["one up", "two serves", "two serves killed in turn"])
def at(request):
    """Whoever answers the API: every test of a client passes on all."""
    if request.param == "one up":
        yield request.getfixturevalue("up")
        return
    pair = request.getfixturevalue("pair")
    if request.param == "two serves":
        yield pair
        return
    with Storm(pair):
        yield pair


@pytest.fixture
def alone(tmp_path, runtimes):
    """An installation of one test's own, which the test may kill; not started."""
    at = Installation(tmp_path)
    yield at
    if at.process is not None and at.process.poll() is None:
        at.end()
    at.wait_until_alone(limit=40)


def stage(at: Installation) -> None:
    """Puts the jobs and the word count's input into s3://bkt."""
    for job in [*JOBS.glob("*.py"), WORD_COUNT / "word_count.py"]:
        at.put(f"jobs/{job.name}", job.read_bytes())
    folder = at.folder / "input"
    subprocess.run([sys.executable, WORD_COUNT / "make_input.py", folder, "--lines", "200"], check=True)
    for part in sorted(folder.iterdir()):
        at.put(f"input/{part.name}", part.read_bytes())


@pytest.fixture(scope="session")
def application(up) -> str:
    """An application on emr-7.13.0, started by its first run."""
    return runs.application(up)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What `up` said, beside the failure of a test that used one."""
    report = (yield).get_result()
    if report.failed:
        for name in ("up", "alone", "at", "pair"):
            at = item.funcargs.get(name) if hasattr(item, "funcargs") else None
            if isinstance(at, Installation):
                report.sections.append((f"stderr of firesteel up ({at.data})", at.tail()))
