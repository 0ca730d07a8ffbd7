"""The AWS SDKs of other languages, unmodified: each runs a real job. (Rust's is in cli/tests.)"""

import os
import shutil
from pathlib import Path

import pytest
import runs
from test_orchestrators import STORIES, environment, says_hello, tell


@pytest.mark.skipif(shutil.which("npm") is None, reason="this machine has no Node")
def test_javascript(up):
    # Modules are looked for beside the script.
    story = environment("javascript") / "story.mjs"
    story.write_bytes((STORIES / "story.mjs").read_bytes())
    says_hello(up, tell(up, ["node", story, up.role, runs.parameters()]), "javascript")


def test_java(up):
    home = os.environ.get("JAVA_HOME")
    java = Path(home) / "bin" / "java" if home else "java"
    jars = environment("java") / "jars" / "*"
    says_hello(up, tell(up, [java, "-cp", jars, STORIES / "Story.java", up.role, runs.parameters()]), "java")
