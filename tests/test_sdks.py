"""The AWS SDKs of other languages, unmodified: each runs a real job while one control plane or the other is being killed."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import runs
from installation import ROOT, clean_environment
from pair import Storm
from test_orchestrators import STORIES, environment, says_hello, tell


@pytest.fixture(scope="module")
def at(pair):
    """Two control planes, every few seconds one of them killed: each SDK's own retries must be enough."""
    with Storm(pair):
        yield pair


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


@pytest.fixture(scope="module")
def rust_story() -> Path:
    """The program, built as the unit tests build it, so that nothing is compiled twice."""
    words = ["cargo", "build", "--locked", "--quiet", "--workspace", "--exclude", "sim", "--example", "rust_story"]
    subprocess.run(words, cwd=ROOT, env=clean_environment(), check=True)
    return ROOT / "target" / "debug" / "examples" / "rust_story"


def test_rust(rust_story, at):
    says_hello(at, tell(at, [rust_story, at.role, runs.parameters()]), "rust")
