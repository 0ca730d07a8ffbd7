"""What update_model.py says of two models, and what it writes. Nothing is downloaded here."""

import copy
import gzip
import json
import zipfile

import pytest
import update_model

VENDORED = update_model.read(update_model.HERE / "service-2.json")[1]


def lines(change):
    new = copy.deepcopy(VENDORED)
    change(new)
    return list(update_model.differences(VENDORED, new))


def bent(*path, value=None):
    """The model with something set, or removed if there is no value."""
    def change(model):
        for key in path[:-1]:
            model = model[key]
        if value is None:
            del model[path[-1]]
        else:
            model[path[-1]] = value
    return change


@pytest.mark.parametrize(("change", "expected"), [
    (bent("metadata", "protocol", value="cbor"), ['~ service: protocol "rest-json" -> "cbor"']),
    (bent("operations", "GetSession"), ["- operation GetSession"]),
    (bent("operations", "Fly", value={}), ["+ operation Fly"]),
    (bent("operations", "GetSession", "http", "requestUri", value="/s"),
     ['~ operation GetSession: requestUri "/applications/{applicationId}/sessions/{sessionId}" -> "/s"']),
    (bent("operations", "StopApplication", "errors", value=[{"shape": "ValidationException"}]),
     ["- operation StopApplication: error InternalServerException", "- operation StopApplication: error ResourceNotFoundException"]),
    (bent("operations", "GetSession", "idempotent", value=True), ["~ operation GetSession: idempotent (none) -> true"]),
    (bent("operations", "GetSession", "input", "shape", value="X"), ["~ operation GetSession: input GetSessionRequest -> X"]),
    (bent("shapes", "FlexExecution"), ["- shape FlexExecution"]),
    (bent("shapes", "Session", "members", "mood", value={"shape": "String256"}), ["+ member Session.mood"]),
    (bent("shapes", "Session", "members", "name", "shape", value="Url"), ['~ member Session.name: shape "String256" -> "Url"']),
    (bent("shapes", "GetSessionRequest", "required", value=["applicationId"]), ["- shape GetSessionRequest: required sessionId"]),
    (bent("shapes", "Architecture", "enum", value=["ARM64", "RISCV"]),
     ["- shape Architecture: value X86_64", "+ shape Architecture: value RISCV"]),
    (bent("shapes", "ApplicationId", "max", value=65), ["~ shape ApplicationId: max 64 -> 65"]),
    (bent("shapes", "ApplicationId", "pattern"), ['~ shape ApplicationId: pattern "[0-9a-z]+" -> (none)']),
    (bent("shapes", "JobDriver", "union"), ["~ shape JobDriver: union true -> (none)"]),
    (bent("operations", "GetSession", "documentation", value="other words"), []),
    (bent("shapes", "Session", "members", "name", "documentation", value="other words"), []),
])
def test_each_difference_is_a_line(change, expected):
    assert sorted(lines(change)) == sorted(expected)


def test_wording_is_counted():
    new = copy.deepcopy(VENDORED)
    new["operations"]["GetSession"]["documentation"] = "other words"
    new["shapes"]["Session"]["members"]["name"]["documentation"] = "other words"
    assert update_model.changed_texts(VENDORED, new) == 2
    assert update_model.changed_texts(VENDORED, VENDORED) == 0


def test_a_model_is_read_from_a_wheel_a_folder_and_a_file(tmp_path):
    packed = gzip.compress(json.dumps(VENDORED, indent=2).encode())
    wheel = tmp_path / "botocore-9.8.7-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(update_model.INSIDE + ".gz", packed)
    folder = tmp_path / "site"
    file = folder / (update_model.INSIDE + ".gz")
    file.parent.mkdir(parents=True)
    file.write_bytes(packed)
    (folder / "botocore/__init__.py").write_text("__version__ = '1.2.3'\n")
    assert update_model.read(wheel) == ("9.8.7", VENDORED)
    assert update_model.read(folder) == ("1.2.3", VENDORED)
    assert update_model.read(file) == (None, VENDORED)


def test_what_is_written_is_what_is_vendored(tmp_path):
    """Byte for byte: an update without a change changes nothing."""
    for name in ("README.md", "service-2.json"):
        (tmp_path / name).write_bytes((update_model.HERE / name).read_bytes())
    before = (tmp_path / "service-2.json").read_bytes()
    update_model.write(tmp_path, "9.8.7", VENDORED)
    assert (tmp_path / "service-2.json").read_bytes() == before
    assert "the PyPI package `botocore` 9.8.7, unpacked" in (tmp_path / "README.md").read_text()
