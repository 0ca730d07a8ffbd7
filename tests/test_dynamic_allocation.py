"""Executors come when there is work and go when there is none, also after a shuffle; EMR's default sizes fit any machine."""

import re

import runs


def test_from_nothing_up_and_back_to_nothing_after_a_shuffle(up, application):
    changes = {
        "spark_dynamicAllocation_enabled": "true",
        "spark_dynamicAllocation_initialExecutors": "0",
        "spark_dynamicAllocation_minExecutors": "0",
        "spark_dynamicAllocation_maxExecutors": "2",
        "spark_dynamicAllocation_executorIdleTimeout": "3s",
        "spark_executor_instances": "0",
    }
    run = runs.start(up, application, "s3://bkt/jobs/breathe.py", spark=runs.parameters(**changes))
    run.succeeded()
    out = run.log()
    sums = "[(0, 18), (1, 22), (2, 26)]"
    assert "executors before 0\n" in out
    assert re.search(rf"sums {re.escape(sums)} with executors [12]\n", out), out
    assert "executors after 0\n" in out, out
    # The shuffle's output outlived the executors that had made it: no map task ran again.
    assert f"sums again {sums} mapped 12\n" in out, out


def test_emrs_default_sizes(up, application):
    """A driver and three executors of 4 vCPU and 16 GB each: accounted as asked, started as large as this host bears."""
    run = runs.start(up, application, "s3://bkt/jobs/wide.py", spark="--conf spark.ui.enabled=false")
    got = run.succeeded(limit=400)
    assert "partitions 200 groups 1000\n" in run.log()
    seconds = got["totalExecutionDurationSeconds"]
    used = runs.wait_for(lambda: run.get().get("totalResourceUtilization"), 120, "the sum of resources")
    # At least the driver's 4 vCPU and 16 GB for as long as the run took, whatever the real heap.
    assert used["memoryGBHour"] >= 0.9 * used["vCPUHour"] * 4
    assert used["vCPUHour"] >= 4 * (seconds - 5) / 3600
