"""Who may do what, by real clients: named keys, passed roles, sessions that call the API, TLS, and what `--listen` needs."""

import json
import socket
import ssl
import subprocess

import boto3
import botocore.config
import pytest
import runs
from botocore.exceptions import ClientError
from installation import AWS, FIRESTEEL, Installation, clean_environment, free_port, wait_for

ACCOUNT = "000000000000"
ENGINEER = f"arn:aws:iam::{ACCOUNT}:user/engineer"
STUDY = f"arn:aws:iam::{ACCOUNT}:role/study"
OTHER = f"arn:aws:iam::{ACCOUNT}:role/other"
READER = f"arn:aws:iam::{ACCOUNT}:role/reader"
UNKNOWN = "00f1cbsc6anuij25"
ROLES = f"""
[[role]]
arn = "{STUDY}"
allow = ["s3://bkt"]

[[role]]
arn = "{OTHER}"
allow = ["s3://bkt"]

[[role]]
arn = "{READER}"
assumed_by = ["{ENGINEER}"]
external_id = "4711"
[[role.api]]
actions = ["emr-serverless:List*", "emr-serverless:Get*"]
applications = ["*"]
"""


def engineer(applications: list[str]) -> str:
    return f"""
[[identity]]
name = "engineer"
arn = "{ENGINEER}"
access_key_id = "AKIAENGINEER"
secret_access_key = "engineer-0123456789"
s3 = {{ read_only = ["s3://bkt/in/*"] }}

[[identity.api]]
actions = ["emr-serverless:*JobRun*", "emr-serverless:StartApplication"]
applications = {json.dumps(applications)}
pass_roles = ["{STUDY}"]
"""


def write(at: Installation, name: str, text: str) -> None:
    at.data.mkdir(mode=0o700, exist_ok=True)
    (at.data / name).write_text(text)
    (at.data / name).chmod(0o600)


def client(at: Installation, service: str, key: str, secret: str, token: str | None = None):
    config = botocore.config.Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"})
    return boto3.session.Session().client(
        service,
        endpoint_url=f"http://127.0.0.1:{at.port}",
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=config,
    )


def refused(call, **arguments) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["Error"]["Code"], response["Error"]["Message"], response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """An installation with roles and identities; its operator's application, and the engineer's client."""
    at = Installation(tmp_path_factory.mktemp("guarded"))
    write(at, "roles.toml", ROLES)
    write(at, "identities.toml", engineer([UNKNOWN]))
    at.start()
    at.s3.create_bucket(Bucket="bkt")
    at.put("in/a", "a")
    at.app = at.emr.create_application(releaseLabel="emr-7.13.0", type="SPARK")["applicationId"]
    at.engineer = client(at, "emr-serverless", "AKIAENGINEER", "engineer-0123456789")
    yield at
    at.end()


def denied(found: tuple[str, str, int], action: str, resource: str, caller: str = ENGINEER) -> None:
    text = f"User: {caller} is not authorized to perform: {action} on resource: {resource} "
    why = f"because no identity-based policy allows the {action} action"
    assert found == ("AccessDeniedException", text + why, 403)


def run_of(at: Installation, role: str) -> dict:
    return {"applicationId": at.app, "executionRoleArn": role, "jobDriver": {"sparkSubmit": {"entryPoint": "s3://bkt/none.py"}}}


def test_a_change_of_the_file_holds_without_a_restart_and_a_bad_one_does_not(guarded):
    arn = f"arn:aws:emr-serverless:us-east-1:{ACCOUNT}:/applications/{guarded.app}"
    denied(refused(guarded.engineer.list_job_runs, applicationId=guarded.app), "emr-serverless:ListJobRuns", arn)
    write(guarded, "identities.toml", engineer([guarded.app]))

    def allowed() -> bool:
        try:
            return guarded.engineer.list_job_runs(applicationId=guarded.app)["jobRuns"] is not None
        except ClientError:
            return False

    wait_for(allowed, 10, "the change holds")
    write(guarded, "identities.toml", engineer([guarded.app]).replace("*JobRun*", "JobRuns"))
    wait_for(lambda: "is no action" in guarded.tail(), 10, "the warning")
    assert "line 10" in guarded.tail() and allowed(), guarded.tail()
    write(guarded, "identities.toml", engineer([guarded.app]))
    wait_for(lambda: guarded.tail().count("read again: identities") >= 2, 10, "read again")


def test_a_named_identity_is_createdby_and_may_do_no_more_than_it_may(guarded):
    run = guarded.engineer.start_job_run(**run_of(guarded, STUDY))["jobRunId"]
    got = guarded.engineer.get_job_run(applicationId=guarded.app, jobRunId=run)["jobRun"]
    assert got["createdBy"] == ENGINEER
    denied(refused(guarded.engineer.start_job_run, **run_of(guarded, OTHER)), "iam:PassRole", OTHER)
    other = refused(guarded.engineer.start_job_run, **run_of(guarded, "arn:aws:iam::210987654321:role/study"))
    assert other == ("AccessDeniedException", "Cross-account pass role is not allowed.", 403)
    denied(refused(guarded.engineer.list_applications), "emr-serverless:ListApplications", "*")
    arn = f"arn:aws:emr-serverless:us-east-1:{ACCOUNT}:/applications/{UNKNOWN}"
    denied(refused(guarded.engineer.get_application, applicationId=UNKNOWN), "emr-serverless:GetApplication", arn)
    denied(refused(guarded.engineer.tag_resource, resourceArn=arn, tags={"a": "b"}), "emr-serverless:TagResource", arn)
    assert "engineer" in client(guarded, "sts", "AKIAENGINEER", "engineer-0123456789").get_caller_identity()["Arn"]


def test_its_s3_is_what_the_file_says(guarded):
    s3 = client(guarded, "s3", "AKIAENGINEER", "engineer-0123456789")
    assert s3.get_object(Bucket="bkt", Key="in/a")["Body"].read() == b"a"
    assert refused(s3.put_object, Bucket="bkt", Key="in/b", Body=b"b")[0] == "AccessDenied"
    assert refused(s3.get_object, Bucket="bkt", Key="logs/x")[0] == "AccessDenied"
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["bkt"]


def test_keys_that_are_not_what_they_say(guarded):
    unknown = client(guarded, "emr-serverless", "AKIANOBODY", "x" * 20)
    text = "The security token included in the request is invalid."
    assert refused(unknown.list_applications) == ("UnrecognizedClientException", text, 403)
    wrong = client(guarded, "emr-serverless", "AKIAENGINEER", "wrong-0123456789")
    assert refused(wrong.list_applications)[::2] == ("InvalidSignatureException", 403)


def test_a_session_of_a_role_calls_the_api_and_one_without_statements_does_not(guarded):
    sts = client(guarded, "sts", "AKIAENGINEER", "engineer-0123456789")
    assume = {"RoleArn": READER, "RoleSessionName": "me"}
    assert refused(sts.assume_role, **assume)[0] == "AccessDenied", "the external id is missing"
    given = sts.assume_role(**assume, ExternalId="4711")["Credentials"]
    keys = given["AccessKeyId"], given["SecretAccessKey"]
    session = client(guarded, "emr-serverless", *keys, given["SessionToken"])
    assert guarded.app in [one["id"] for one in session.list_applications()["applications"]]
    caller = f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/me"
    arn = f"arn:aws:emr-serverless:us-east-1:{ACCOUNT}:/applications/{guarded.app}"
    found = refused(session.delete_application, applicationId=guarded.app)
    denied(found, "emr-serverless:DeleteApplication", arn, caller)
    for token in (None, given["SessionToken"][:-4] + "zzzz", "forged"):
        code = refused(client(guarded, "emr-serverless", *keys, token).list_applications)[0]
        assert code == "UnrecognizedClientException", token

    operator = guarded.client("sts")
    given = operator.assume_role(RoleArn=STUDY, RoleSessionName="job")["Credentials"]
    job = client(guarded, "emr-serverless", given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    caller = f"arn:aws:sts::{ACCOUNT}:assumed-role/study/job"
    denied(refused(job.start_job_run, **run_of(guarded, STUDY)), "emr-serverless:StartJobRun", arn, caller)

    own = sts.get_session_token()["Credentials"]
    user = client(guarded, "emr-serverless", own["AccessKeyId"], own["SecretAccessKey"], own["SessionToken"])
    assert "jobRuns" in user.list_job_runs(applicationId=guarded.app), "a user's session is the user"


def test_the_aws_cli_as_another_identity(guarded):
    command = [str(FIRESTEEL), "env", "--data", str(guarded.data), "--identity"]
    done = subprocess.run([*command, "engineer"], env=clean_environment(), capture_output=True, text=True, check=True)
    lines = dict(line.removeprefix("export ").split("=", 1) for line in done.stdout.splitlines())
    assert lines["AWS_ACCESS_KEY_ID"] == "AKIAENGINEER"
    env = clean_environment() | lines
    listed = subprocess.run([AWS, "emr-serverless", "list-applications"], env=env, capture_output=True, text=True)
    assert listed.returncode != 0 and f"User: {ENGINEER} is not authorized" in listed.stderr, listed.stderr
    none = subprocess.run([*command, "nobody"], env=clean_environment(), capture_output=True, text=True)
    assert none.returncode == 1 and "it names: engineer" in none.stderr, none.stderr


def up(at: Installation, *words: str) -> subprocess.CompletedProcess:
    command = [str(FIRESTEEL), "up", "--data", str(at.data), "--port", str(at.port), *words]
    return subprocess.run(command, env=clean_environment(), capture_output=True, text=True, timeout=60)


def test_what_does_not_start_says_why(tmp_path):
    at = Installation(tmp_path)
    done = up(at, "--listen", "0.0.0.0", "--tls", "self")
    assert done.returncode == 2 and "roles.toml" in done.stderr, done.stderr
    write(at, "roles.toml", ROLES)
    done = up(at, "--listen", "0.0.0.0")
    assert done.returncode == 2 and "--tls self" in done.stderr and "--plain-http" in done.stderr, done.stderr
    write(at, "identities.toml", engineer(["*"]).replace("user/engineer", "engineer"))
    done = up(at)
    assert done.returncode == 1 and "line 4" in done.stderr and "is no caller" in done.stderr, done.stderr
    write(at, "identities.toml", engineer(["*"]))
    (at.data / "identities.toml").chmod(0o644)
    done = up(at)
    assert done.returncode == 1 and "chmod 600" in done.stderr, done.stderr
    (at.data / "identities.toml").unlink()
    write(at, "roles.toml", ROLES.replace("List*", "Listing*"))
    done = up(at)
    assert done.returncode == 1 and "is no action" in done.stderr, done.stderr


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """`up` on every address behind TLS with a certificate of its own."""
    at = Installation(tmp_path_factory.mktemp("secure"))
    write(at, "roles.toml", ROLES)
    at.scheme = "https"
    at.start("--listen", "0.0.0.0", "--tls", "self", "--host-name", "localhost")
    yield at
    at.end()


def test_the_aws_cli_and_our_verbs_over_tls(secure):
    variables = secure.variables
    assert variables["AWS_ENDPOINT_URL"] == f"https://localhost:{secure.port}"
    assert variables["AWS_CA_BUNDLE"].endswith("/tls/ca.pem")
    secure.shell("aws s3 mb s3://bkt && echo hello | aws s3 cp - s3://bkt/k")
    assert secure.shell("aws s3 cp s3://bkt/k -") == "hello\n"
    listed = json.loads(secure.shell("aws emr-serverless list-applications --output json"))
    assert listed == {"applications": []}
    assert json.loads(secure.shell("firesteel list-applications")) == {"applications": []}
    with pytest.raises(AssertionError, match="(?i)certificate|ssl"):
        secure.shell("unset AWS_CA_BUNDLE; aws emr-serverless list-applications")


def test_http_2_by_negotiation(secure):
    context = ssl.create_default_context(cafile=secure.variables["AWS_CA_BUNDLE"])
    for offered, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1")):
        context.set_alpn_protocols(offered)
        with socket.create_connection(("127.0.0.1", secure.port)) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as greeted:
                assert greeted.selected_alpn_protocol() == chosen


def test_a_crowd_from_one_address_keeps_nobody_else_out(secure):
    """Half-open handshakes in number; cli/tests/listener.rs has the slow ones with shorter times."""
    at = ("127.0.0.1", secure.port)
    idle = [socket.create_connection(at, source_address=("127.0.0.2", 0)) for _ in range(600)]
    try:
        idle[-1].settimeout(5)
        assert idle[-1].recv(1) == b"", "beyond the bound"
        assert json.loads(secure.shell("aws emr-serverless list-applications --output json")) == {"applications": []}
    finally:
        for one in idle:
            one.close()


def test_a_certificate_that_is_given_and_one_that_is_not_one(tmp_path, secure):
    at = Installation(tmp_path)
    at.data.mkdir(mode=0o700)
    none = tmp_path / "none.pem"
    none.write_text("nothing")
    done = up(at, "--tls-cert", str(none), "--tls-key", str(none))
    assert done.returncode == 1 and "is no PEM file" in done.stderr, done.stderr
    done = up(at, "--tls-cert", str(secure.data / "tls" / "ca.pem"), "--tls-key", str(none))
    assert done.returncode == 1 and "private key" in done.stderr, done.stderr
