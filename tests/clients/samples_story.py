"""The loops of awslabs' EMR Serverless samples: create, start, run, stop, delete, each waited for without a pause and by
its exact name. Usage: samples_story.py ROLE SPARK_PARAMETERS
"""

import gzip
import sys

import boto3

role, spark = sys.argv[1:3]
client = boto3.client("emr-serverless")
polls = 0


def application_is(application: str, state: str) -> None:
    global polls
    while client.get_application(applicationId=application)["application"]["state"] != state:
        polls += 1


application = client.create_application(name="samples", releaseLabel="emr-7.13.0", type="SPARK")["applicationId"]
application_is(application, "CREATED")
client.start_application(applicationId=application)
application_is(application, "STARTED")
run = client.start_job_run(
    applicationId=application,
    executionRoleArn=role,
    jobDriver={
        "sparkSubmit": {
            "entryPoint": "s3://bkt/jobs/hello.py",
            "entryPointArguments": ["samples"],
            "sparkSubmitParameters": spark,
        }
    },
    configurationOverrides={"monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://bkt/logs"}}},
)["jobRunId"]
state = "SUBMITTED"
while state not in ("SUCCESS", "FAILED", "CANCELLING", "CANCELLED"):
    state = client.get_job_run(applicationId=application, jobRunId=run)["jobRun"]["state"]
    polls += 1
# The log is read at once: it must be whole before SUCCESS can be seen.
key = f"logs/applications/{application}/jobs/{run}/SPARK_DRIVER/stdout.gz"
print(gzip.decompress(boto3.client("s3").get_object(Bucket="bkt", Key=key)["Body"].read()).decode().strip())
client.stop_application(applicationId=application)
application_is(application, "STOPPED")
client.delete_application(applicationId=application)
print("RAN", application, run, state)
assert polls > 100, f"a tight loop polls more often than {polls} times"
