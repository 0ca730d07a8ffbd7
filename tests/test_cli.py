"""Our own command line beside the real AWS CLI on the same server, and what it has beyond that."""

import json
import subprocess

import pytest
import runs
from installation import AWS, FIRESTEEL, wait_for

APPLICATIONS = "list-applications --page-size 2 --query "
PRINTED = [
    "get-application --application-id {application}",
    "get-job-run --application-id {application} --job-run-id {run}",
    APPLICATIONS + "applications[?name=='printing'].{name:name,id:id,state:state}|[0]",
    APPLICATIONS + "sort_by(applications,&createdAt)[-1].[id,releaseLabel,architecture]",
    "list-job-runs --application-id {application}",
    "get-job-run --application-id {application} --job-run-id {run} --query jobRun.[state,tags.*,nothing]",
]


@pytest.fixture(scope="module")
def printed(pair, tmp_path_factory) -> dict:
    """An application with all kinds of settings, a run of it that has ended, and how both command lines are called.

    Two control planes answer in turn: what is printed is the same whichever was asked.
    """
    created = pair.emr.create_application(
        releaseLabel="emr-7.13.0",
        type="SPARK",
        name="printing",
        tags={"team": "genomics", "Env": "x y"},
        maximumCapacity={"cpu": "4 vCPU", "memory": "16 GB"},
        initialCapacity={"DRIVER": {"workerCount": 1, "workerConfiguration": {"cpu": "1 vCPU", "memory": "2 GB"}}},
        runtimeConfiguration=[{"classification": "spark-defaults", "properties": {"spark.a": "1", "spark.b": "b c"}}],
    )
    application = created["applicationId"]
    run = runs.start(pair, application, "s3://bkt/jobs/none.py", ["a", "b"], name="printed", tags={"k": "v"})
    run.failed()
    # The bill is the last that changes.
    wait_for(lambda: run.get().get("billedResourceUtilization"), 120, "the bill")
    config = tmp_path_factory.mktemp("aws") / "config"
    config.write_text("[default]\ncli_timestamp_format = iso8601\n")
    env = pair.variables | {"AWS_CONFIG_FILE": str(config), "TZ": "Asia/Kolkata", "PYTHONIOENCODING": "utf-8"}
    return {"application": application, "run": run.id, "env": env}


@pytest.mark.parametrize("output", ["json", "text", "table"])
@pytest.mark.parametrize("line", PRINTED)
def test_the_same_as_the_aws_cli_prints(printed, line, output):
    line = line.replace("{application}", printed["application"]).replace("{run}", printed["run"])
    words = [*line.split(" "), "--output", output]
    call = lambda *program: subprocess.run([*program, *words], env=printed["env"], capture_output=True, timeout=60)  # noqa: E731
    theirs, ours = call(AWS, "emr-serverless"), call(FIRESTEEL)
    assert (theirs.returncode, ours.returncode) == (0, 0), (theirs.stderr, ours.stderr)
    assert ours.stdout.decode() == theirs.stdout.decode()
    assert ours.stdout


def refused(up, *words: str) -> tuple[int, str]:
    done = subprocess.run([FIRESTEEL, *words], env=up.variables, capture_output=True, text=True, timeout=60)
    assert done.stdout == ""
    return done.returncode, done.stderr


def test_a_query_that_cannot_be_read_is_refused_before_anything_is_asked(up):
    code, said = refused(up, "list-applications", "--query", "applications[", "--endpoint-url", "http://127.0.0.1:1")
    assert code == 2 and "Bad value for --query applications[:" in said


@pytest.fixture(scope="module")
def steady(up, application) -> runs.Run:
    run = runs.start(up, application, "s3://bkt/jobs/steady.py", ["15"])
    run.says("line 00001")
    return run


def test_what_a_run_costs(up, steady, tmp_path):
    code, said = refused(up, "cost", steady.id)
    assert code == 1 and f"job run {steady.id} is RUNNING: not billed yet" in said
    steady.succeeded()
    billed = wait_for(lambda: steady.get().get("billedResourceUtilization"), 60, "the bill")
    cost = up.ask("cost", steady.id, "--output", "json")
    quantities = [billed[name] for name in ("vCPUHour", "memoryGBHour", "storageGBHour")]
    assert [line["quantity"] for line in cost["lines"]] == quantities
    assert cost["total"] == pytest.approx(quantities[0] * 0.052624 + quantities[1] * 0.0057785)

    # The table is the user's to change: in the data folder, or named.
    table = up.shell("firesteel cost --print-prices")
    (up.data / "prices.toml").write_text(table.replace("0.052624", "1.0").replace('"USD"', '"EUR"'))
    try:
        changed = up.ask("cost", steady.id, "--output", "json", "--data", str(up.data))
    finally:
        (up.data / "prices.toml").unlink()
    assert changed["currency"] == "EUR" and changed["lines"][0]["cost"] == pytest.approx(quantities[0])
    named = tmp_path / "prices.toml"
    named.write_text(table.replace("0.0057785", "0"))
    text = up.shell(f"firesteel cost {steady.id} --prices {named}")
    words = [" ".join(line.split()[2:5]) for line in text.splitlines()]
    assert words[1:3] == ["vCPU-hour × 0.052624", "GB-hour × 0"] and text.endswith(" USD\n"), text


def test_logs_of_an_executor(up, steady):
    steady.succeeded()
    show = f"firesteel logs {steady.id} --executor 1 --stderr"
    assert up.shell(show) == up.shell(f"{show} -f") == steady.log("stderr", "SPARK_EXECUTOR/1") != ""
    code, said = refused(up, "logs", steady.id, "--executor", "7")
    assert code == 1 and "no log of an executor 7: executor 1 has a log" in said
    code, said = refused(up, "logs", steady.id, "--attempt", "9")
    assert code != 0 and "9" in said, said


def test_logs_of_a_run_that_never_ran(up):
    """It waits behind another, and is cancelled while it is followed."""
    application = runs.application(up, schedulerConfiguration={"maxConcurrentRuns": 1, "queueTimeoutMinutes": 15})
    first, queued = (runs.start(up, application, "s3://bkt/jobs/steady.py", ["60"]) for _ in range(2))
    place = f"s3://bkt/{queued.prefix()}SPARK_DRIVER/stdout.gz"
    queued.until("QUEUED")
    assert refused(up, "logs", queued.id) == (0, f"firesteel: nothing is written yet (the run is QUEUED): {place}\n")
    with runs.follow(queued) as logs:
        up.ask("cancel-job-run", "--application-id", application, "--job-run-id", queued.id)
        out, said = logs.communicate(timeout=60)
    assert (logs.returncode, out) == (1, "")
    assert said == f"firesteel: nothing was written: {place}\nfiresteel: the job run is CANCELLED\n"
    assert refused(up, "logs", queued.id) == (0, f"firesteel: nothing was written (the run is CANCELLED): {place}\n")
    up.ask("cancel-job-run", "--application-id", application, "--job-run-id", first.id)


def test_a_reader_that_goes_away_ends_the_program_quietly(up, steady):
    steady.succeeded()
    assert up.shell(f"firesteel logs -f {steady.id} | head -1; echo ${{PIPESTATUS[0]}}") == "begin\n0\n"
    assert up.shell("firesteel list-applications | head -1; echo ${PIPESTATUS[0]}") == "{\n0\n"


def test_logs_go_on_with_the_next_attempt(up, application):
    run = runs.start(up, application, "s3://bkt/jobs/exit_three.py", retryPolicy={"maxAttempts": 2})
    with runs.follow(run) as logs:
        out, said = logs.communicate(timeout=2 * runs.LIMIT)
    assert logs.returncode == 1 and "attempt 1 has ended; going on with attempt 2" in said, said
    assert out == 2 * "before the end\n"
    for attempt in (1, 2):
        assert up.shell(f"firesteel logs {run.id} --attempt {attempt}") == "before the end\n"


def test_verbs_and_answers_as_a_script_uses_them(up, application):
    state = up.shell(f"firesteel get-application --application-id {application} --query application.state --output text")
    assert state == "STARTED\n"
    by_variable = up.shell(
        f"firesteel get-application --application-id {application} --query application.state", AWS_DEFAULT_OUTPUT="text"
    )
    assert by_variable == state
    old_literal = "firesteel list-applications --query 'applications[?id==`nobody`]'"
    assert json.loads(up.shell(old_literal)) == []
