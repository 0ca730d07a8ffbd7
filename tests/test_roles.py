"""What a job run may touch: its role's places and no others, and within them its executionIamPolicy."""

import json

import pytest
import runs
from conftest import JOBS
from installation import Installation

ACCOUNT = "000000000000"
NARROW = f"arn:aws:iam::{ACCOUNT}:role/narrow"
MUTE = f"arn:aws:iam::{ACCOUNT}:role/mute"
ONLY_IN = f"arn:aws:iam::{ACCOUNT}:policy/only-in"
POLICY = {
    "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::bkt/logs/*", "arn:aws:s3:::bkt/jobs/*"]},
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::bkt", "arn:aws:s3:::bkt/in/*"]},
    ]
}
ROLES = f"""
[[role]]
arn = "{NARROW}"
allow = ["s3://bkt/logs/*", "s3://bkt/out/*"]
read_only = ["s3://bkt/jobs/*", "s3://bkt/in/*"]

[[role]]
arn = "{MUTE}"
read_only = ["s3://bkt/*"]

[[policy]]
arn = "{ONLY_IN}"
document = '''{json.dumps(POLICY)}'''
"""
PLACES = ["s3://bkt/in/a.txt", "s3://bkt/secret/a.txt", "s3://firesteel-state/state/registry/installation.json", "s3://bkt/out/x"]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory, runtimes):
    """An installation with narrow roles; all runs of this file, started at once."""
    at = Installation(tmp_path_factory.mktemp("roles"))
    at.data.mkdir(mode=0o700)
    (at.data / "roles.toml").write_text(ROLES)
    at.start()
    at.s3.create_bucket(Bucket="bkt")
    at.put("jobs/reads.py", (JOBS / "reads.py").read_bytes())
    at.put("in/a.txt", "one\ntwo\n")
    at.put("secret/a.txt", "three\n")
    app = runs.application(at)
    begin = lambda role, **more: runs.start(at, app, "s3://bkt/jobs/reads.py", PLACES, executionRoleArn=role, **more)  # noqa: E731
    at.runs = {
        "narrow": begin(NARROW),
        "policy": begin(NARROW, executionIamPolicy={"policyArns": [ONLY_IN]}),
        "no policy": begin(NARROW, executionIamPolicy={"policyArns": [ONLY_IN.replace("only-in", "none")]}),
        "mute": begin(MUTE),
    }
    yield at
    at.wait_until_alone(limit=max(1.0, 20 - at.end()))


def outcome(run: runs.Run) -> dict[str, str]:
    run.succeeded()
    lines = [line.split(" ", 1) for line in run.log().splitlines() if line.startswith("s3://")]
    return {place: said.split(" ")[0] for place, said in lines}


def test_a_narrow_role_reads_and_writes_its_places_alone(guarded):
    said = outcome(guarded.runs["narrow"])
    assert said == dict(zip(PLACES, ["ok", "AccessDenied", "AccessDenied", "ok"], strict=True))
    assert any(key.startswith("out/x/part-") for key in guarded.keys("out/x/"))


def test_a_named_policy_narrows_the_role(guarded):
    said = outcome(guarded.runs["policy"])
    assert said == dict(zip(PLACES, ["ok", "AccessDenied", "AccessDenied", "AccessDenied"], strict=True))


def test_a_policy_that_does_not_exist(guarded):
    said = guarded.runs["no policy"].failed()
    assert said.startswith(f"Could not narrow runtime role {NARROW}") and "does not exist" in said, said


def test_a_role_that_may_not_write_its_logs_says_so(guarded):
    run = guarded.runs["mute"].wait()
    assert run["state"] in runs.TERMINAL and "s3://bkt/logs" in run["stateDetails"], run["stateDetails"]
    assert guarded.runs["mute"].log() == ""
