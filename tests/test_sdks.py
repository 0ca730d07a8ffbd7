"""The AWS SDKs of other languages, unmodified: each runs a real job. (Rust's is in cli/tests.)"""

import os
import shutil
from pathlib import Path

import pytest
import runs
from test_orchestrators import STORIES, at, environment, says_hello, tell  # noqa: F401 at is a fixture


@pytest.mark.skipif(shutil.which("npm") is None, reason="this machine has no Node")
def test_javascript(at):
    # Modules are looked for beside the script.
    story = environment("javascript") / "story.mjs"
    story.write_bytes((STORIES / "story.mjs").read_bytes())
    says_hello(at, tell(at, ["node", story, at.role, runs.parameters()]), "javascript")


def test_java(at):
    home = os.environ.get("JAVA_HOME")
    java = Path(home) / "bin" / "java" if home else "java"
    jars = environment("java") / "jars" / "*"
    says_hello(at, tell(at, [java, "-cp", jars, STORIES / "Story.java", at.role, runs.parameters()]), "java")
