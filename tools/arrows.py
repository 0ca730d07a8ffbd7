#!/usr/bin/env python3
"""Holds the crates' dependencies against the arrows of ARCHITECTURE.md: they never return."""

import json
import subprocess
import sys

CORE = {"firesteel-core"}
ALLOWED = {
    "firesteel-core": set(),
    "firesteel-journal": set(),
    "firesteel-pods": set(),
    "firesteel-wire": set(),
    "firesteel-embedded-s3": set(),
    "firesteel-protocol": CORE,
    "firesteel-runtime": CORE,
    "firesteel-substrate": CORE | {"firesteel-protocol"},
    "firesteel-service": CORE
    | {"firesteel-wire", "firesteel-journal", "firesteel-substrate", "firesteel-protocol"},
    "firesteel-agent": CORE | {"firesteel-protocol", "firesteel-pods", "firesteel-runtime"},
    "firesteel-cli": None,  # the binary: it may know every room
    "sim": None,  # the simulation: it may know every room
}
# What a pure room may depend on besides: values and arithmetic, nothing that can touch the world.
PURE = {"firesteel-core", "firesteel-wire", "firesteel-pods", "firesteel-protocol"}
WORLDLY = {"tokio", "rand", "reqwest", "hyper", "axum", "nix", "tempfile", "getrandom", "async-trait", "chrono"}


def main() -> int:
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--no-deps"]
    packages = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["packages"]
    ours = {package["name"] for package in packages}
    wrong = [f"{name}: not in the map of tools/arrows.py" for name in sorted(ours - set(ALLOWED))]
    for package in packages:
        name = package["name"]
        normal = {d["name"] for d in package["dependencies"] if d["kind"] is None}
        allowed = ALLOWED.get(name)
        if allowed is not None:
            wrong += [f"{name} must not know {other}" for other in sorted((normal & ours) - allowed)]
        if name in PURE:
            wrong += [f"{name} is pure and must not know {other}" for other in sorted(normal & WORLDLY)]
    print("\n".join(wrong) or "arrows: no dependency returns")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
