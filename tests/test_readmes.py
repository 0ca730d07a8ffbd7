"""The examples' READMEs: their commands, as a new user pastes them. EMR's default sizes, whatever this machine has."""

import os
import subprocess
import textwrap

import pytest
import runs
from installation import AWS, ROOT


def commands(example: str) -> str:
    """The indented block of a README."""
    lines = (ROOT / "examples" / example / "README.md").read_text().splitlines()
    return textwrap.dedent("\n".join(line for line in lines if line.startswith("    ")))


@pytest.mark.parametrize(
    "example, said",
    [("word-count", "24000 words, 13 different"), ("spark-pi", "Pi is roughly 3.1")],
)
def test_the_commands_of_the_readme(up, tmp_path, example, said):
    for folder in ("examples", "target"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    env = up.variables | {"PATH": os.pathsep.join([str(AWS.parent), os.environ["PATH"]])}
    script = "set -e\n" + commands(example)
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=runs.LIMIT)
    assert done.returncode == 0 and said in done.stdout, f"{done.stdout}\n{done.stderr}"
