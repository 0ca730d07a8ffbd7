"""What every benchmark here shares: its flags, samples taken in turns, medians, a table, and JSON in `results/`."""

import argparse
import contextlib
import json
import math
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"
# The installation of the end-to-end tests is the one that is measured.
sys.path.insert(0, str(ROOT / "tests"))

from installation import FIRESTEEL, Installation, clean_environment  # noqa: E402

FULL = 5  # samples of each side


class Figure:
    """One benchmark's run: collects rows `(what, ours, baseline, goal)` and raw samples."""

    def __init__(self, name: str, what: str, **flags: dict) -> None:
        parser = argparse.ArgumentParser(prog=f"{name}.py", description=what)
        parser.add_argument("--quick", action="store_true", help="one sample: shows that it works, measures nothing")
        parser.add_argument("--samples", type=int, help=f"samples of each side [default: {FULL}]")
        for flag, options in flags.items():
            parser.add_argument(f"--{flag.replace('_', '-')}", **options)
        # As an interrupt from the keyboard: what was started is ended.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        self.name, self.what = name, what
        self.flags = parser.parse_args()
        self.count = self.flags.samples or (1 if self.flags.quick else FULL)
        self.rows: list[dict] = []
        self.samples: dict[str, list] = {}
        self.before = load()

    def note(self, series: str, value) -> None:
        """Keeps one sample and shows it."""
        self.samples.setdefault(series, []).append(value)
        shown = f"{value:.4g}" if isinstance(value, float) else value
        print(f"  {self.name}: {series} = {shown}", file=sys.stderr, flush=True)

    def median(self, series: str) -> float:
        return statistics.median(self.samples[series])

    def row(self, what: str, ours: float, unit: str, baseline: str = "", beside: float | None = None, **goal) -> None:
        """One line of the table. `goal` is `most=…` or `least=…` of `ours`, or `most_ratio=…` or `least_ratio=…`."""
        ratio = ours / beside if beside else None
        checks = {"most": lambda g: ours <= g, "least": lambda g: ours >= g, "most_ratio": lambda g: ratio <= g}
        checks["least_ratio"] = lambda g: ratio >= g
        met = {name: checks[name](value) for name, value in goal.items()}
        row = {"what": what, "ours": ours, "unit": unit, "baseline": baseline, "beside": beside, "ratio": ratio}
        self.rows.append(row | {"goal": goal, "met": all(met.values()) if met else None})

    def finish(self) -> None:
        """Prints the table and writes the JSON."""
        print(f"{self.name}: {self.what} (median of {self.count}{', QUICK' if self.flags.quick else ''})")
        print(f"  {'':44} {'ours':>12} {'baseline':>12} {'ratio':>7}  goal")
        for row in self.rows:
            beside = "" if row["beside"] is None else shown(row["beside"])
            ratio = "" if row["ratio"] is None else f"{row['ratio']:.3f}"
            goal = " ".join(f"{SIGNS[name]} {value:g}" for name, value in row["goal"].items())
            verdict = {None: "", True: "met", False: "MISSED"}[row["met"]]
            what = f"{row['what']}, {row['unit']}"
            print(f"  {what:44} {shown(row['ours']):>12} {beside:>12} {ratio:>7}  {goal} {verdict}")
            if row["baseline"]:
                print(f"    baseline: {row['baseline']}")
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.name}{'-quick' if self.flags.quick else ''}.json"
        path.write_text(json.dumps(self.report(), indent=1) + "\n")
        print(f"  {path.relative_to(ROOT)}")

    def report(self) -> dict:
        flags = {name: value for name, value in vars(self.flags).items() if value is not None}
        return {
            "name": self.name,
            "what": self.what,
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "commit": commit(),
            "machine": machine(),
            "load": {"before": self.before, "after": load()},
            "flags": flags,
            "rows": self.rows,
            "samples": self.samples,
        }


SIGNS = {"most": "≤", "least": "≥", "most_ratio": "ratio ≤", "least_ratio": "ratio ≥"}


def shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def load() -> float:
    """Load average of the last minute: other work on this machine spoils every figure."""
    return os.getloadavg()[0]


def commit() -> str:
    words = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    return subprocess.run(words, capture_output=True, text=True).stdout.strip()


def machine() -> dict:
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    return {"cpus": os.cpu_count(), "cpu": model, "memory_mib": memory, "kernel": platform.release()}


@contextlib.contextmanager
def installation(path: Path, *words: str):
    """A running `up` in a folder; at the end of the block nothing of it is left, whatever happened."""
    at = Installation(path)
    try:
        yield at.start(*words)
    finally:
        if at.process is not None:
            at.end()
            at.wait_until_alone(limit=20)


def install(label: str = "emr-7.13.0") -> None:
    """Makes sure that the label's runtime is there: no figure is of an installation."""
    words = [str(FIRESTEEL), "release", "install", label]
    subprocess.run(words, env=clean_environment(), check=True, stdout=sys.stderr)


def folder() -> tempfile.TemporaryDirectory:
    """A folder that goes with its `with` block."""
    return tempfile.TemporaryDirectory(prefix="firesteel-bench-", ignore_cleanup_errors=True)


def fdatasync_ms(folder: Path, times: int = 50) -> float:
    """Median of writing 4 KiB more to a file and making them durable: what the disk asks of every commit."""
    took = []
    with open(folder / "fdatasync", "wb", buffering=0) as file:
        for _ in range(times):
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least this share of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]
