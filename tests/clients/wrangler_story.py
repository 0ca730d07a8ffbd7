"""AWS SDK for pandas: create, run, wait; and the error of a job that fails."""

import sys

import awswrangler as wr

role, spark = sys.argv[1:3]
logs = {"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://bkt/logs/"}}}
application = wr.emr_serverless.create_application(
    name="wrangler", release_label="emr-7.13.0", application_type="Spark", autostop=True, idle_timeout=5
)


def run(script: str, *arguments: str) -> dict:
    return wr.emr_serverless.run_job(
        application_id=application,
        execution_role_arn=role,
        job_driver_args={
            "entryPoint": f"s3://bkt/jobs/{script}",
            "entryPointArguments": list(arguments),
            "sparkSubmitParameters": spark,
        },
        configuration_overrides=logs,
        tags={"by": "wrangler"},
        execution_timeout=30,
        name="hello",
        emr_serverless_job_wait_polling_delay=0.5,
    )


got = run("hello.py", "wrangler")["jobRun"]
assert got["tags"] == {"by": "wrangler"} and got["executionTimeoutMinutes"] == 30, got
print("RAN", application, got["jobRunId"], got["state"])
try:
    run("no-such-script.py")
except wr.exceptions.EMRServerlessJobError as error:
    print("FAILED", error)
