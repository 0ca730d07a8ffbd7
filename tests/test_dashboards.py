"""The URL of GetDashboardForJobRun over a run's whole life: waiting, live, and Spark's history server afterwards."""

import gzip
import json
import os
import signal
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import runs
from conftest import stage
from installation import read, wait_for

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


class Link:
    """A dashboard's URL, and the pages below it."""

    def __init__(self, run: runs.Run) -> None:
        self.run = run
        self.url = run.at.emr.get_dashboard_for_job_run(applicationId=run.application, jobRunId=run.id)["url"]
        self.base, self.token = self.url.split("?", 1)

    def get(self, path: str = "", **headers: str) -> tuple[int, bytes]:
        """A page as a tool asks for it: the token in the query, no cookies."""
        mark = "&" if "?" in path else "?"
        return get(f"{self.base}{path}{mark}{self.token}", **headers)

    def browse(self, path: str = "") -> tuple[int, str]:
        """A page as a browser asks for it, with cookies."""
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        status, body = get(f"{self.base}{path}?{self.token}", browser, **BROWSER)
        return status, body.decode()

    def applications(self) -> list[str]:
        """What Spark's REST API lists; empty while it is not there."""
        status, body = self.get("api/v1/applications")
        return [entry["id"] for entry in json.loads(body)] if status == 200 else []

    def until_listed(self) -> None:
        wait_for(lambda: self.applications() == [self.run.id], 90, f"Spark lists {self.run.id}", 0.5)


def get(url: str, opener=None, **headers: str) -> tuple[int, bytes]:
    open_url = opener.open if opener else urllib.request.urlopen
    try:
        with open_url(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def java(at, main: str) -> list[int]:
    """JVMs of the installation with this main class."""
    return [pid for pid in at.processes() if main.encode() in read(Path(f"/proc/{pid}/cmdline"))]


def test_a_dashboard_from_waiting_to_history(alone, tmp_path):
    alone.start()
    alone.s3.create_bucket(Bucket="bkt")
    stage(alone)
    sign = tmp_path / "go"
    spark = runs.parameters(spark_ui_enabled=None)
    run = runs.start(alone, runs.application(alone), "s3://bkt/jobs/looked_at.py", [str(sign)], spark=spark)

    link = Link(run)
    status, text = link.browse()
    assert status == 200 and "The driver does not run yet" in text and run.id in text
    assert link.get()[0] == 503

    run.says("sum 4950")
    assert link.applications() == [run.id]
    status, text = link.browse()
    assert status == 200 and "Spark Jobs" in text, text[:500]
    prefix = urllib.parse.urlsplit(link.base).path.rstrip("/")
    assert f'href="{prefix}/static/' in text and f'href="{prefix}/stages/' in text
    assert link.get("static/webui.css")[0] == 200
    assert "(kill)" not in text
    executors = json.loads(link.get(f"api/v1/applications/{run.id}/executors")[1])
    logs = next(entry["executorLogs"] for entry in executors if entry["id"] == "1")
    assert logs["stderr"] == f"{prefix}/logs/SPARK_EXECUTOR/1/stderr.gz"
    at_the_root = f"http://127.0.0.1:{alone.port}/logs/SPARK_DRIVER/stdout.gz?{link.token}"
    status, body = get(at_the_root)
    assert (status, gzip.decompress(body)) == (200, b"sum 4950\n")
    assert get(at_the_root, **BROWSER) == (200, b"sum 4950\n")
    for refused in (link.base, link.url + "0", f"{link.base}../../{run.id}/2/?{link.token}"):
        assert get(refused)[0] == 403, refused

    sign.touch()
    run.succeeded()
    link.until_listed()
    status, text = link.browse()
    assert status == 200 and "Completed Jobs" in text and f"{prefix}/history/{run.id}/stages/" in text
    assert json.loads(link.get(f"api/v1/applications/{run.id}/jobs")[1])[0]["status"] == "SUCCEEDED"
    assert gzip.decompress(link.get("logs/SPARK_EXECUTOR/1/stderr.gz")[1])

    assert java(alone, "HistoryServer")
    alone.end(signal.SIGKILL)
    wait_for(lambda: not alone.processes(), 5, "the history server dies with the control plane")
    alone.start()
    link.until_listed()
    took = alone.end()
    alone.wait_until_alone(limit=max(1.0, 20 - took))


def test_a_driver_that_is_killed_leaves_its_history(alone, tmp_path):
    """Spark closes no event log then; what it wrote is in S3 all the same."""
    alone.start()
    alone.s3.create_bucket(Bucket="bkt")
    stage(alone)
    run = runs.start(alone, runs.application(alone), "s3://bkt/jobs/looked_at.py", [str(tmp_path / "never")])
    run.says("sum 4950")
    for pid in java(alone, "SparkSubmit"):
        os.kill(pid, signal.SIGKILL)
    run.failed()
    link = Link(run)
    link.until_listed()
    assert "Completed Jobs" in link.browse()[1]


def test_either_of_two_control_planes_shows_the_live_ui(pair, tmp_path):
    sign = tmp_path / "go"
    spark = runs.parameters(spark_ui_enabled=None)
    run = runs.start(pair, runs.application(pair), "s3://bkt/jobs/looked_at.py", [str(sign)], spark=spark)
    run.says("sum 4950")
    link = Link(run)
    path = urllib.parse.urlsplit(link.base).path
    for plane in pair.planes:
        link.base = f"http://127.0.0.1:{plane.port}{path}"
        assert link.applications() == [run.id], link.get("jobs/")
        status, text = link.browse()
        assert status == 200 and "Spark Jobs" in text, text
    sign.touch()
    run.succeeded()
