"""Flyte's connector of EMR Serverless tasks, as its propeller calls it: create, get until the end, delete.

Usage: flyte_story.py ROLE SPARK_PARAMETERS
"""

import asyncio
import sys
import time
from collections import OrderedDict

import boto3
from flytekit import task
from flytekit.configuration import ImageConfig, SerializationSettings
from flytekit.extend.backend.base_connector import ConnectorRegistry
from flytekit.tools.translator import get_serializable
from flyteidl.core.execution_pb2 import TaskExecution
from flytekitplugins.awsemrserverless import EMRServerless, EMRServerlessSparkJobDriver

role, spark = sys.argv[1:3]
client = boto3.client("emr-serverless")
SETTINGS = SerializationSettings(ImageConfig.auto(img_name="none:1"), project="p", domain="d", version="1")
LOGS = {"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://bkt/logs/"}}}
NAME = f"flyte-{time.time_ns()}"


def hello() -> None:
    """What a task's job stands for in Flyte: its script does the work."""


def template(script: str, *arguments: str, **config):
    """The template of a task in script mode, as it is registered with Flyte."""
    driver = EMRServerlessSparkJobDriver(f"s3://bkt/jobs/{script}", list(arguments), spark)
    settings = EMRServerless(role, spark_job_driver=driver, configuration_overrides=LOGS, tags={"by": "flyte"}, **config)
    return get_serializable(OrderedDict(), SETTINGS, task(hello, task_config=settings)).template


connector = ConnectorRegistry.get_connector("emr_serverless")


async def phase(meta) -> tuple[int, str]:
    got = await connector.get(meta)
    return got.phase, got.message


async def until(meta, wanted: int, text: str = "") -> str:
    """Asks as the propeller does: what it says is failed stays failed, and RUNNING is asked after again."""
    for _ in range(600):
        now, message = await phase(meta)
        if now == wanted and text in message:
            return message
        assert now == TaskExecution.RUNNING, (now, message)
        time.sleep(0.3)
    raise AssertionError(f"never {wanted}: {message}")


async def story() -> None:
    queue = {"maxConcurrentRuns": 1, "queueTimeoutMinutes": 15}
    made = client.create_application(name=NAME, releaseLabel="emr-7.13.0", type="SPARK", schedulerConfiguration=queue)
    application = made["applicationId"]
    # Found by its name. It is not started yet, so a later look submits the run, and each look after that again: one run for
    # one token.
    meta = await connector.create(template("hello.py", "flyte", application_id=NAME))
    assert meta.application_id == application and not meta.job_run_id and meta.pending_job_request, meta
    await until(meta, TaskExecution.SUCCEEDED)
    (run,) = client.list_job_runs(applicationId=application)["jobRuns"]
    print("RAN", application, run["id"])

    # One runs, one waits: a state that the connector does not know is taken for running.
    one = await connector.create(template("steady.py", "120", application_id=application))
    await until(one, TaskExecution.RUNNING, ": RUNNING")
    two = await connector.create(template("hello.py", "waits", application_id=application))
    await until(two, TaskExecution.RUNNING, ": QUEUED")
    for meta in (two, one):
        await connector.delete(meta)
    print("ENDED", await ended(one), await ended(two))
    await connector.delete(one)


async def ended(meta) -> str:
    """The state in which a run that was deleted ends; until then it is taken for running."""
    for _ in range(600):
        now, message = await phase(meta)
        if now != TaskExecution.RUNNING:
            assert now == TaskExecution.FAILED, (now, message)
            return message.removeprefix("EMR Serverless job state: ").split()[0]
        time.sleep(0.3)
    raise AssertionError(message)


asyncio.run(story())
