#!/usr/bin/env python3
"""Builds what the Hail example puts in S3, from PyPI's `hail`: its jar, and its Python as an archive.

Prints the folder that holds `hail-all-spark.jar` and `pyspark_hail.tar.gz`. The first time this takes one to two minutes
and 250 MB of downloads, afterwards nothing: the folder lies in the cache (`$FIRESTEEL_CACHE`, else `~/.cache/firesteel`)
under a name made of all that goes into it.

The archive is a virtual environment without what a study does not need: pyspark (Spark brings its own), the jar (Spark
gets it by `--jars`), tests, pip, the scripts of charts for notebooks. Its Python is the one that built it, by a link: the
machine that unpacks it must have the same Python at the same path. This machine has.
"""

import fcntl
import gzip
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

HAIL = "0.2.139"
PYTHONS = ["3.11", "3.12", "3.10"]  # Hail needs 3.10; Spark 3.5 runs on 3.12 at most
LAYOUT = 1  # to be raised with every change of what goes into the archive
CONSTRAINTS = Path(__file__).resolve().parent / "constraints.txt"
JAR, ARCHIVE = "hail-all-spark.jar", "pyspark_hail.tar.gz"
# Folders of site-packages that the archive goes without.
DROPPED = [
    "pip",
    "jupyterlab_plotly",
    "plotly/package_data",  # plotly's JavaScript
    "plotly/validators",  # half of all files; a study that draws with hl.ggplot wants them back
    "azure/mgmt/storage/v20",  # how each year's Azure described a storage account
]
# Modules are compiled, which halves the time of `import hail`; not those of packages that are hardly imported.
NOT_COMPILED = r"/(plotly|azure|pygments|pip|tests)/"


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def find_python() -> tuple[str, str]:
    """A Python that Hail and Spark both run on: its version and its path."""
    probe = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2], sys.executable)"
    candidates = [f"python{version}" for version in PYTHONS] + [sys.executable, "python3"]
    found = {}
    for candidate in candidates:
        try:
            answer = subprocess.run([candidate, "-c", probe], capture_output=True, text=True, timeout=30)
        except OSError:
            continue
        if answer.returncode == 0:
            version, path = answer.stdout.split(maxsplit=1)
            found.setdefault(version, os.path.realpath(path.strip()))
    for version in PYTHONS:
        if version in found:
            return version, found[version]
    sys.exit(f"Hail needs Python {', '.join(PYTHONS)} with its venv module; found: {', '.join(found) or 'none'}")


def place(version: str, python: str) -> Path:
    """The folder for exactly this Hail, this Python and this way of packing."""
    cache = os.environ.get("FIRESTEEL_CACHE") or Path.home() / ".cache" / "firesteel"
    digest = hashlib.sha256(CONSTRAINTS.read_bytes() + b"\0" + python.encode()).hexdigest()[:12]
    return Path(cache).absolute() / "hail" / f"hail-{HAIL}-python{version}-layout{LAYOUT}-{digest}"


def run(*command: str | Path) -> None:
    """A command whose output matters only if it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nended with {done.returncode}:\n{done.stdout[-4000:]}")


def install(python: str, version: str, environment: Path) -> Path:
    """Hail and all it needs but pyspark, in a virtual environment; its site-packages."""
    run(python, "-m", "venv", environment)
    pip = [environment / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    run(*pip, "--no-deps", f"hail=={HAIL}")
    site = environment / "lib" / f"python{version}" / "site-packages"
    hail = next(iter(importlib.metadata.distributions(name="hail", path=[str(site)])))
    needs = [need for need in hail.requires or [] if not need.startswith("pyspark") and "extra ==" not in need]
    if version != "3.10":  # for which some of the pinned versions do not exist
        needs += ["-c", str(CONSTRAINTS)]
    run(*pip, *needs)
    run(environment / "bin" / "python", "-m", "compileall", "-q", "-x", NOT_COMPILED, site)
    return site


def keep(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """The entry as it goes into the archive, or nothing."""
    parts = entry.name.split("/")
    inside = entry.name.partition("/site-packages/")[2]
    dropped = (
        "tests" in parts
        or entry.name.endswith((f"/{JAR}", ".js.map"))
        or (parts[0] == "bin" and entry.name != "bin" and not parts[1].startswith("python"))  # scripts name their folder
        or any(inside.startswith(folder) for folder in DROPPED)
    )
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return None if dropped else entry


def pack(environment: Path, target: Path) -> None:
    with gzip.open(target, "wb", compresslevel=4) as stream:
        with tarfile.open(fileobj=stream, mode="w|", bufsize=1 << 20) as archive:
            for part in ["bin", "lib", "pyvenv.cfg"]:
                archive.add(environment / part, part, filter=keep)


def build(version: str, python: str, target: Path) -> None:
    """Everything in a folder beside the target, which then takes its name: whole or not there."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".building-") as folder:
        started = time.monotonic()
        work, made = Path(folder) / "environment", Path(folder) / "made"
        made.mkdir()
        say(f"hail: installing {HAIL} from PyPI on Python {version} ({python})")
        site = install(python, version, work)
        say(f"hail: packing its Python ({time.monotonic() - started:.0f} s so far)")
        shutil.copy(site / "hail" / "backend" / JAR, made / JAR)
        pack(work, made / ARCHIVE)
        made.rename(target)
        size = (target / ARCHIVE).stat().st_size // 1_000_000
        say(f"hail: {ARCHIVE} has {size} MB, built in {time.monotonic() - started:.0f} s")


def main() -> None:
    version, python = find_python()
    target = place(version, python)
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.parent / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one builder at a time
        if not target.is_dir():
            for remains in target.parent.glob(".building-*"):  # of a builder that was killed
                shutil.rmtree(remains, ignore_errors=True)
            build(version, python, target)
    print(target)


if __name__ == "__main__":
    main()
