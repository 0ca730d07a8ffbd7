"""Dagster's Pipes client: an op starts a run, its messages come back from the driver's log in S3.

Usage: dagster_story.py ROLE SPARK_PARAMETERS APPLICATION
"""

import gzip
import sys
from contextlib import contextmanager

import boto3
from dagster import DagsterInstance, OpExecutionContext, PipesMessageReader, job, op
from dagster._core.pipes.utils import extract_message_or_forward_to_stdout
from dagster_aws.pipes import PipesEMRServerlessClient

role, spark, application = sys.argv[1:4]


class LogObjectReader(PipesMessageReader):
    """Reads the messages from the one driver log below a prefix: the job writes them to its stdout."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self.bucket, self.prefix = bucket, prefix

    @contextmanager
    def read_messages(self, handler):
        yield {"stdio": "stdout"}
        s3 = boto3.client("s3")
        listed = s3.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix)["Contents"]
        (key,) = [entry["Key"] for entry in listed if entry["Key"].endswith("SPARK_DRIVER/stdout.gz")]
        text = gzip.decompress(s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()).decode()
        for line in text.splitlines():
            extract_message_or_forward_to_stdout(handler, line)

    def no_messages_debug_text(self) -> str:
        return "no message in the driver's log"


@op
def hello(context: OpExecutionContext) -> None:
    reader = LogObjectReader("bkt", "logs/dagster/")
    client = PipesEMRServerlessClient(message_reader=reader, poll_interval=0.5)
    parameters = {
        "applicationId": application,
        "executionRoleArn": role,
        "name": "hello",
        "jobDriver": {
            "sparkSubmit": {
                "entryPoint": "s3://bkt/jobs/pipes.py",
                "sparkSubmitParameters": f"{spark} --py-files s3://bkt/jobs/dagster_pipes.zip",
            }
        },
        "configurationOverrides": {
            "monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://bkt/logs/dagster/"}}
        },
    }
    invocation = client.run(context=context, start_job_run_params=parameters, extras={"rows": 100})
    (message,) = invocation.get_custom_messages()
    print("MESSAGE", message)
    print("RAN", application, invocation.metadata["AWS EMR Serverless Job Run ID"].value)


@job
def story() -> None:
    hello()


with DagsterInstance.ephemeral() as instance:
    assert story.execute_in_process(instance=instance).success
