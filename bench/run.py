"""Runs benchmarks, one after the other: `bench/run.py [NAME…] [flags]`; without a name all of them."""

import subprocess
import sys
from pathlib import Path

NAMES = ["cold_run", "api_rate", "history", "memory", "log_latency", "sim"]
ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    names = [word for word in sys.argv[1:] if not word.startswith("-")]
    flags = [word for word in sys.argv[1:] if word.startswith("-")]
    unknown = [name for name in names if name not in NAMES]
    if unknown or flags not in ([], ["--quick"]):
        print(f"{__doc__}\nNames: {' '.join(NAMES)}. Flag: --quick; others belong to one program.", file=sys.stderr)
        return 2
    failed = [
        name
        for name in names or NAMES
        if subprocess.run([sys.executable, ROOT / "bench" / f"{name}.py", *flags]).returncode != 0
    ]
    if failed:
        print(f"failed: {' '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
