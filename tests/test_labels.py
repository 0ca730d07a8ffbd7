"""One label of each Spark line runs the word count; one that cannot run here says why."""

import sys
from pathlib import Path

import pytest
import runs
from conftest import LABELS
from installation import wait_for

ARGUMENTS = ["--input", "s3://bkt/input/*.json.gz", "--output"]


@pytest.fixture(scope="module")
def counted(up) -> dict[str, runs.Run]:
    """The word count on all labels at the same time."""
    started = {}
    for label in LABELS:
        arguments = [*ARGUMENTS, f"s3://bkt/output/labels/{label}/"]
        started[label] = runs.start(up, runs.application(up, label), "s3://bkt/jobs/word_count.py", arguments)
    return started


@pytest.mark.parametrize("label", LABELS)
def test_the_word_count(counted, label):
    run = counted[label]
    got = run.succeeded()
    assert got["releaseLabel"] == label
    assert "4800 words, 13 different" in run.log()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the tests' own Python would do for emr-6.7.0")
def test_a_label_that_cannot_run_here_says_why(alone, tmp_path):
    # A machine whose only Python is newer than Spark 3.2 can bear.
    only = tmp_path / "bin"
    only.mkdir()
    (only / "python3").symlink_to(Path(sys.executable).resolve())
    cache = str(tmp_path / "cache")
    alone.start(PATH=str(only), PYENV_ROOT="/nonexistent", HOME=str(tmp_path), FIRESTEEL_CACHE=cache)
    application = runs.application(alone, "emr-6.7.0")
    run = runs.start(alone, application, "s3://bkt/jobs/word_count.py")
    found = "Python 3.6 to 3.10"
    assert found in run.failed(limit=60)
    get = lambda: alone.emr.get_application(applicationId=application)["application"]  # noqa: E731
    stopped = wait_for(lambda: get()["state"] == "STOPPED" and get(), 30, "the application is STOPPED")
    assert found in stopped["stateDetails"]
