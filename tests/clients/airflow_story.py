"""Airflow's EMR Serverless operators and sensors, as a DAG's tasks call them: create, start a job, watch, stop, delete.

Usage: airflow_story.py ROLE SPARK_PARAMETERS life | force | deferred
"""

import asyncio
import sys
from unittest.mock import MagicMock

from airflow.providers.amazon.aws.hooks.emr import EmrServerlessHook
from airflow.providers.amazon.aws.links.emr import get_serverless_dashboard_url
from airflow.providers.amazon.aws.operators.emr import (
    EmrServerlessCreateApplicationOperator,
    EmrServerlessDeleteApplicationOperator,
    EmrServerlessStartJobOperator,
    EmrServerlessStopApplicationOperator,
)
from airflow.providers.amazon.aws.sensors.emr import EmrServerlessApplicationSensor, EmrServerlessJobSensor
from airflow.sdk.exceptions import TaskDeferred
from airflow.sdk.module_loading import import_string

role, spark, story = sys.argv[1:4]
LOGS = {"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://bkt/logs/"}}}
OFTEN = {"waiter_delay": 1, "waiter_max_attempts": 180, "aws_conn_id": None}
hook = EmrServerlessHook(aws_conn_id=None)


def context() -> MagicMock:
    """What a task is told of its run: the operators only leave links and values there."""
    return MagicMock()


def creating(more=(), **config) -> EmrServerlessCreateApplicationOperator:
    config = {"name": "airflow"} | config
    return EmrServerlessCreateApplicationOperator(
        task_id="create", release_label="emr-7.13.0", job_type="SPARK", config=config, **OFTEN, **dict(more)
    )


def create(**config) -> str:
    return creating(**config).execute(context())


def job(application: str, script: str, *arguments: str, **more) -> EmrServerlessStartJobOperator:
    driver = {"entryPoint": f"s3://bkt/jobs/{script}", "entryPointArguments": list(arguments)}
    return EmrServerlessStartJobOperator(
        task_id="job",
        application_id=application,
        execution_role_arn=role,
        job_driver={"sparkSubmit": driver | {"sparkSubmitParameters": spark}},
        configuration_overrides=LOGS,
        name="hello",
        **OFTEN | more,
    )


def state(application: str) -> str:
    return hook.conn.get_application(applicationId=application)["application"]["state"]


def wait_until(sensor) -> None:
    """A sensor as the scheduler runs it: poked until it is content."""
    import time

    for _ in range(600):
        if sensor.poke(context()):
            return
        time.sleep(0.3)
    raise AssertionError(f"{sensor.task_id} was never content")


def life() -> None:
    application = create()
    wait_until(EmrServerlessApplicationSensor(task_id="up", application_id=application, aws_conn_id=None))
    run = job(application, "hello.py", "airflow").execute(context())
    print("RAN", application, run)
    wait_until(EmrServerlessJobSensor(task_id="done", application_id=application, job_run_id=run, aws_conn_id=None))

    # Not waited for: the sensor does. Then the links of the task's page.
    later = job(application, "steady.py", "4", wait_for_completion=False, enable_application_ui_links=True)
    second = later.execute(context())
    wait_until(EmrServerlessJobSensor(task_id="later", application_id=application, job_run_id=second, aws_conn_id=None))
    url = get_serverless_dashboard_url(
        aws_conn_id=None, emr_serverless_client=hook.conn, application_id=application, job_run_id=second
    )
    print("DASHBOARD", second, url.geturl() if url else None)

    EmrServerlessStopApplicationOperator(task_id="stop", application_id=application, **OFTEN).execute(context())
    assert state(application) == "STOPPED", state(application)
    # A stopped application is started again by its next job's operator.
    third = job(application, "hello.py", "again").execute(context())
    print("RAN", application, third)
    EmrServerlessDeleteApplicationOperator(task_id="delete", application_id=application, **OFTEN).execute(context())
    assert state(application) == "TERMINATED", state(application)


def force() -> None:
    """One run is active and two are queued when the application is deleted by force.

    Airflow cancels the active one alone, and waits until nothing is active: those that waited have their turn first.
    """
    application = create(schedulerConfiguration={"maxConcurrentRuns": 1, "queueTimeoutMinutes": 15})
    scripts = [("steady.py", "120"), ("hello.py", "second"), ("hello.py", "third")]
    runs = [job(application, *script, wait_for_completion=False).execute(context()) for script in scripts]
    wait_until(
        EmrServerlessJobSensor(
            task_id="running",
            application_id=application,
            job_run_id=runs[0],
            target_states={"RUNNING", "SUCCESS"},
            aws_conn_id=None,
        )
    )
    print("BEFORE", *[hook.conn.get_job_run(applicationId=application, jobRunId=run)["jobRun"]["state"] for run in runs])
    delete = EmrServerlessDeleteApplicationOperator(
        task_id="delete", application_id=application, force_stop=True, **OFTEN
    )
    delete.execute(context())
    assert state(application) == "TERMINATED", state(application)
    print("AFTER", *[hook.conn.get_job_run(applicationId=application, jobRunId=run)["jobRun"]["state"] for run in runs])


def deferred() -> None:
    """The same with deferrable=True: nothing waits in a worker, the triggerer asks over aiobotocore."""
    defer = {"deferrable": True}
    application = finish(creating(defer))
    run = finish(job(application, "hello.py", "deferred", **defer))
    print("RAN", application, run)
    steady = job(application, "steady.py", "120", wait_for_completion=False).execute(context())
    watch = {"application_id": application, "aws_conn_id": None, "poke_interval": 1, "deferrable": True}
    finish(EmrServerlessJobSensor(task_id="running", job_run_id=steady, target_states={"RUNNING"}, **watch))
    stop = {"application_id": application, "force_stop": True, **defer, **OFTEN}
    finish(EmrServerlessDeleteApplicationOperator(task_id="delete", **stop))
    print("AFTER", hook.conn.get_job_run(applicationId=application, jobRunId=steady)["jobRun"]["state"], state(application))


def finish(task):
    """A task as worker and triggerer share it: what it defers to goes through its stored form and is awaited."""
    step = lambda: task.execute(context())  # noqa: E731
    while True:
        try:
            return step()
        except TaskDeferred as deferral:
            event = asyncio.run(fired(*deferral.trigger.serialize()))
            method, more = getattr(task, deferral.method_name), deferral.kwargs or {}
            step = lambda: method(context(), event=event, **more)  # noqa: B023, E731


async def fired(path: str, arguments: dict) -> dict:
    (event,) = [event async for event in import_string(path)(**arguments).run()]
    return event.payload


{"life": life, "force": force, "deferred": deferred}[story]()
