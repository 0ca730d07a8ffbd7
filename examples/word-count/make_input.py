#!/usr/bin/env python3
"""Writes a small input for word_count.py: gzipped JSON lines, the same at every call."""

import argparse
import gzip
import json
import random
from pathlib import Path

WORDS = "spark driver executor shuffle partition stage task broadcast cache lineage journal fence tick".split()


def main() -> None:
    parser = argparse.ArgumentParser(description="Gzipped JSON lines, the same at every call.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=3)
    parser.add_argument("--lines", type=int, default=1000, help="in each file")
    arguments = parser.parse_args()
    folder, files, lines = arguments.folder, arguments.files, arguments.lines
    chance = random.Random(7)
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(files):
        with gzip.open(folder / f"part-{number}.json.gz", "wt") as out:
            for line in range(lines):
                # The first words come more often than the last.
                text = " ".join(WORDS[int(len(WORDS) * chance.random() ** 2)] for _ in range(8))
                out.write(json.dumps({"line": number * lines + line, "text": text}) + "\n")


if __name__ == "__main__":
    main()
