"""A job that comes as a jar."""

import subprocess

import runs
from installation import ROOT


def test_spark_pi(up, application, tmp_path):
    build = [ROOT / "examples" / "spark-pi" / "build-jar.sh", tmp_path / "spark-pi.jar"]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    up.s3.upload_file(str(tmp_path / "spark-pi.jar"), "bkt", "jars/spark-pi.jar")
    spark = f"--class SparkPi {runs.parameters()}"
    run = runs.start(up, application, "s3://bkt/jars/spark-pi.jar", ["6"], spark)
    run.succeeded()
    assert "Pi is roughly 3.1" in run.log()
