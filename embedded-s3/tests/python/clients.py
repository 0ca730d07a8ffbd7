"""Points boto3 and the AWS CLI (both from PyPI) at a running `examples/serve`, with its default keys.

    python clients.py http://127.0.0.1:PORT
"""

import concurrent.futures
import hashlib
import os
import subprocess
import sys
import tempfile

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

URL = sys.argv[1]
KEYS = {"aws_access_key_id": "operator", "aws_secret_access_key": "operator-secret"}
COMMON = {"endpoint_url": URL, "region_name": "us-east-1", **KEYS}


def aws(*arguments, **more):
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": URL,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "operator",
        "AWS_SECRET_ACCESS_KEY": "operator-secret",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }
    command = os.path.join(os.path.dirname(sys.executable), "aws")
    done = subprocess.run([command, *arguments], env=environment, capture_output=True, **more)
    assert done.returncode == 0, (arguments, done.stderr.decode())
    return done.stdout


def command_line(folder):
    small, large = os.path.join(folder, "small"), os.path.join(folder, "large")
    for name, size in ((small, 100), (large, 20 * 1024 * 1024)):
        with open(name, "wb") as file:
            file.write(os.urandom(size))
    aws("s3", "mb", "s3://cli-bucket")
    aws("s3", "cp", small, "s3://cli-bucket/a b+c/é")
    aws("s3", "cp", large, "s3://cli-bucket/large")
    aws("s3", "cp", "s3://cli-bucket/large", "s3://cli-bucket/copied")
    back = aws("s3", "cp", "s3://cli-bucket/copied", "-")
    with open(large, "rb") as file:
        assert back == file.read()
    assert b"large" in aws("s3", "ls", "s3://cli-bucket/")
    assert "é".encode() in aws("s3", "ls", "s3://cli-bucket", "--recursive")
    aws("s3", "sync", folder, "s3://cli-bucket/sync")
    aws("s3", "sync", "s3://cli-bucket/sync", os.path.join(folder, "back"))
    aws("s3api", "put-object", "--bucket", "cli-bucket", "--key", "once", "--if-none-match", "*")
    assert b"123456789012:assumed-role/etl/run" in aws(
        "sts", "assume-role", "--role-arn", "arn:aws:iam::123456789012:role/etl", "--role-session-name", "run"
    )
    aws("s3", "rb", "--force", "s3://cli-bucket")


def library(s3):
    s3.create_bucket(Bucket="boto-bucket")
    body = os.urandom(300_000)
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        s3.put_object(Bucket="boto-bucket", Key="k", Body=body, ChecksumAlgorithm=algorithm)
        got = s3.get_object(Bucket="boto-bucket", Key="k", ChecksumMode="ENABLED")
        assert got["Body"].read() == body and got["ETag"].strip('"') == hashlib.md5(body).hexdigest()

    def create(writer):
        try:
            s3.put_object(Bucket="boto-bucket", Key="race", Body=str(writer), IfNoneMatch="*")
            return 1
        except ClientError as error:
            assert error.response["Error"]["Code"] == "PreconditionFailed", error
            return 0

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(create, range(16))) == 1
    with tempfile.NamedTemporaryFile() as file:
        file.write(os.urandom(17 * 1024 * 1024))
        file.flush()
        s3.upload_file(file.name, "boto-bucket", "parts", Config=TransferConfig(multipart_threshold=5 << 20))
    parts = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=6 << 20)
    s3.copy({"Bucket": "boto-bucket", "Key": "parts"}, "boto-bucket", "parts copied", Config=parts)
    whole = [s3.get_object(Bucket="boto-bucket", Key=key)["Body"].read() for key in ("parts", "parts copied")]
    assert whole[0] == whole[1]
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="boto-bucket")["Contents"]]
    assert keys == sorted(keys) and "parts copied" in keys
    s3.delete_objects(Bucket="boto-bucket", Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True})
    s3.delete_bucket(Bucket="boto-bucket")


if __name__ == "__main__":
    library(boto3.client("s3", config=Config(s3={"addressing_style": "path"}), **COMMON))
    with tempfile.TemporaryDirectory() as folder:
        command_line(folder)
    print("ok")
