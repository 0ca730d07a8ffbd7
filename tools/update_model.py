#!/usr/bin/env python3
"""Takes a newer service model of EMR Serverless from botocore, shows what changed, and puts it where the wire reads it.

    tools/update_model.py                   the newest botocore that pip finds
    tools/update_model.py --version 1.44.5  that one
    tools/update_model.py --from PATH       a wheel, an unpacked botocore, or a service-2.json (plain or .gz)
    tools/update_model.py --against PATH    compare with that instead of the vendored model
    tools/update_model.py --dry-run         show only, write nothing

Afterwards `cargo test -p firesteel-wire` says what the code does not follow yet.
"""

import argparse
import gzip
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent.parent / "control-plane/wire/model"
INSIDE = "botocore/data/emr-serverless/2021-07-13/service-2.json"
# What is not a rule: texts for people.
PROSE = {"documentation"}


def main():
    arguments = parsed(sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        source = arguments.source or downloaded(arguments.version, pathlib.Path(folder))
        version, new = read(source)
    _, old = read(arguments.against or HERE / "service-2.json")
    changes = list(differences(old, new))
    print(f"botocore {version or '(unknown version)'}: {len(changes)} changes")
    for change in changes:
        print(f"  {change}")
    texts = changed_texts(old, new)
    if texts:
        print(f"  and {texts} descriptions")
    if arguments.dry_run:
        return
    write(HERE, version, new)
    print(f"written to {HERE}. Now: cargo test -p firesteel-wire")


def parsed(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--version", help="version of botocore; the newest if absent")
    parser.add_argument("--from", dest="source", type=pathlib.Path, help="take the model from there, download nothing")
    parser.add_argument("--against", type=pathlib.Path, help="compare with the model there instead of the vendored one")
    parser.add_argument("--dry-run", action="store_true", help="show what changed, write nothing")
    return parser.parse_args(arguments)


def downloaded(version, folder):
    """The wheel of botocore, through plain pip."""
    wanted = f"botocore=={version}" if version else "botocore"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--only-binary=:all:", "--dest", str(folder), wanted], check=True)
    (wheel,) = folder.glob("botocore-*.whl")
    return wheel


def read(path):
    """Version of botocore (None if the place does not say) and model."""
    path = pathlib.Path(path)
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            name = next(name for name in wheel.namelist() if name.startswith(INSIDE))
            return path.name.split("-")[1], json.loads(plain(wheel.read(name)))
    if path.is_dir():
        version = re.search(r"__version__ = '([^']+)'", (path / "botocore/__init__.py").read_text())
        path = next(path.glob(INSIDE + "*"))
        return version and version[1], json.loads(plain(path.read_bytes()))
    return None, json.loads(plain(path.read_bytes()))


def plain(data):
    return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def write(folder, version, model):
    """The model without white space, and its version in the README beside it."""
    (folder / "service-2.json").write_text(json.dumps(model, separators=(",", ":")) + "\n")
    readme = folder / "README.md"
    text = readme.read_text()
    if version:
        readme.write_text(re.sub(r"(the PyPI package `botocore` )[^,]+,", rf"\g<1>{version},", text))


def differences(old, new):
    """Every difference that is more than wording, a line each."""
    yield from traits("service", rules(old["metadata"]), rules(new["metadata"]))
    for name, was, now in pairs(old["operations"], new["operations"]):
        yield from named("operation", name, was, now) or operation(name, was, now)
    for name, was, now in pairs(old["shapes"], new["shapes"]):
        yield from named("shape", name, was, now) or shape(name, was, now)


def operation(name, was, now):
    name = f"operation {name}"
    yield from traits(name, rules(was.get("http")), rules(now.get("http")))
    errors = [[error["shape"] for error in side.get("errors", [])] for side in (was, now)]
    yield from values(f"{name}: error", *errors)
    rest = [{key: said for key, said in rules(side).items() if key not in ("http", "errors")} for side in (was, now)]
    yield from traits(name, *rest)


def shape(name, was, now):
    for member, old, new in pairs(was.get("members", {}), now.get("members", {})):
        yield from named("member", f"{name}.{member}", old, new) or traits(f"member {name}.{member}", rules(old), rules(new))
    yield from values(f"shape {name}: required", was.get("required", []), now.get("required", []))
    yield from values(f"shape {name}: value", was.get("enum", []), now.get("enum", []))
    rest = [{key: said for key, said in rules(side).items() if key not in ("members", "required", "enum")} for side in (was, now)]
    yield from traits(f"shape {name}", *rest)


def pairs(was, now):
    return ((name, was.get(name), now.get(name)) for name in sorted({*was, *now}))


def named(what, name, was, now):
    """The line for something that is only on one side; nothing if it is on both."""
    if was is None:
        return [f"+ {what} {name}"]
    if now is None:
        return [f"- {what} {name}"]
    return []


def traits(name, was, now):
    for trait, old, new in pairs(was, now):
        if old != new:
            yield f"~ {name}: {trait} {said(old)} -> {said(new)}"


def values(name, was, now):
    yield from (f"- {name} {value}" for value in was if value not in now)
    yield from (f"+ {name} {value}" for value in now if value not in was)


def rules(value):
    """The same without the words for people, however deep."""
    if isinstance(value, dict):
        return {key: rules(inner) for key, inner in value.items() if key not in PROSE}
    return value if value is not None else {}


def said(value):
    if value is None:
        return "(none)"
    return value["shape"] if isinstance(value, dict) and value.keys() == {"shape"} else json.dumps(value)


def changed_texts(old, new):
    """How many descriptions differ."""
    was, now = dict(texts(old, "")), dict(texts(new, ""))
    return sum(was.get(place) != now.get(place) for place in {*was, *now})


def texts(value, place):
    for key, inner in value.items() if isinstance(value, dict) else ():
        if key in PROSE:
            yield place, inner
        else:
            yield from texts(inner, f"{place}/{key}")


if __name__ == "__main__":
    main()
