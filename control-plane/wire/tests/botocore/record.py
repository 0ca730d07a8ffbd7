"""Writes requests.json: what botocore sends for every operation of EMR Serverless, and two requests of STS.

Nothing is sent anywhere: each request is caught before it leaves. Run it with the botocore whose model is in ../../model.
"""
import datetime
import json
import pathlib

import botocore
import botocore.session
from botocore.awsrequest import AWSResponse

ARN = "arn:aws:emr-serverless:us-east-1:123456789012:/applications/00f1cbsc6anuij25"
ROLE = "arn:aws:iam::123456789012:role/service-role/hail"
AT = datetime.datetime(2026, 1, 2, 3, 4, 5, 500000, tzinfo=datetime.timezone.utc)
APP, RUN, SESSION = ({"applicationId": "00f1cbsc6anuij25"}, {"jobRunId": "00f1cbn5g4bb0c01"}, {"sessionId": "00s1"})
SIZE = {"cpu": "2vCPU", "memory": "4 GB", "disk": "20 GB"}
CONFIGURATION = [{"classification": "spark-defaults", "properties": {"spark.serializer": "é"}, "configurations": [{"classification": "x"}]}]

INPUTS = {
    "CreateApplication": {"type": "SPARK", "releaseLabel": "emr-7.13.0", "name": "my-spark", "clientToken": "t-1", "architecture": "X86_64",
                          "initialCapacity": {"DRIVER": {"workerCount": 1, "workerConfiguration": SIZE}}, "maximumCapacity": SIZE,
                          "autoStopConfiguration": {"enabled": True, "idleTimeoutMinutes": 5}, "tags": {"a b": "c:d/e"}},
    "GetApplication": APP,
    "ListApplications": {"states": ["STARTED", "STOPPED"], "maxResults": 5, "nextToken": "abc_-=="},
    "UpdateApplication": APP | {"clientToken": "t-2", "schedulerConfiguration": {"maxConcurrentRuns": 3}, "runtimeConfiguration": CONFIGURATION},
    "StartApplication": APP,
    "StopApplication": APP,
    "DeleteApplication": APP,
    "StartJobRun": APP | {"clientToken": "t-3", "executionRoleArn": ROLE, "name": "hail study", "executionTimeoutMinutes": 0, "mode": "BATCH",
                          "jobDriver": {"sparkSubmit": {"entryPoint": "s3://b/x.py", "entryPointArguments": ["", "--output", "ü \n"],
                                                        "sparkSubmitParameters": "--conf spark.executor.cores=1"}},
                          "configurationOverrides": {"applicationConfiguration": CONFIGURATION,
                                                     "monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://b/logs/"}}},
                          "retryPolicy": {"maxAttempts": 2}, "flexExecution": {"enabled": False}},
    "GetJobRun": APP | RUN | {"attempt": 2},
    "ListJobRuns": APP | {"states": ["RUNNING", "QUEUED"], "mode": "BATCH", "createdAtAfter": AT, "createdAtBefore": AT, "maxResults": 50},
    "CancelJobRun": APP | RUN | {"shutdownGracePeriodInSeconds": 30},
    "ListJobRunAttempts": APP | RUN | {"maxResults": 1},
    "GetDashboardForJobRun": APP | RUN | {"attempt": 1, "accessSystemProfileLogs": True},
    "GetResourceDashboard": APP | {"resourceId": "00s1", "resourceType": "SESSION"},
    "StartSession": APP | {"clientToken": "t-4", "executionRoleArn": ROLE},
    "GetSession": APP | SESSION,
    "GetSessionEndpoint": APP | SESSION,
    "ListSessions": APP | {"states": ["IDLE"], "createdAtAfter": AT},
    "TerminateSession": APP | SESSION,
    "TagResource": {"resourceArn": ARN, "tags": {"k": ""}},
    "UntagResource": {"resourceArn": ARN + "/jobruns/00f1", "tagKeys": ["b c", "a:/+=@", "a"]},
    "ListTagsForResource": {"resourceArn": ARN},
}


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def recorded(service, operation, params, token):
    session = botocore.session.get_session()
    session.set_credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)
    client = session.create_client(service, region_name="us-east-1", endpoint_url="http://127.0.0.1:9400")
    caught = []

    def catch(request, **_):
        caught.append(request)
        return AWSResponse(request.url, 500, {}, None)

    client.meta.events.register("before-send", catch)
    try:
        client._make_api_call(operation, params)
    except Exception:  # noqa: BLE001  the made-up answer is no answer
        pass
    request = caught[0]
    path, _, query = request.url.removeprefix("http://127.0.0.1:9400").partition("?")
    headers = [[name.lower(), text(value)] for name, value in request.headers.items() if name.lower() != "user-agent"] + [["host", "127.0.0.1:9400"]]
    return {"operation": operation, "service": service, "input": params, "method": request.method, "path": path, "query": query,
            "headers": headers, "body": text(request.body or b""), "token": token}


def main():
    tokens = (None, "FwoG+/token==")
    requests = [recorded("emr-serverless", name, params, tokens[n % 2]) for n, (name, params) in enumerate(INPUTS.items())]
    requests.append(recorded("sts", "GetCallerIdentity", {}, None))
    requests.append(recorded("sts", "AssumeRole", {"RoleArn": ROLE, "RoleSessionName": "a=b"}, "FwoG+/token=="))
    at = lambda moment: moment.timestamp()
    lines = ",\n".join(json.dumps(request, default=at, ensure_ascii=True) for request in requests)
    target = pathlib.Path(__file__).with_name("requests.json")
    target.write_text(f'{{"botocore": "{botocore.__version__}", "requests": [\n{lines}\n]}}\n')


main()
