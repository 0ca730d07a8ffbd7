"""The main job: the Hail study writes its table, a second run reads it back and finds what was planted."""

import subprocess
import sys
from pathlib import Path

import runs
from installation import ROOT

EXAMPLE = ROOT / "examples" / "hail-gwas"
SPARK = " ".join(
    [
        "--archives s3://bkt/archives/pyspark_hail.tar.gz#environment --jars s3://bkt/archives/hail-all-spark.jar",
        "--conf spark.emr-serverless.driverEnv.PYSPARK_PYTHON=./environment/bin/python",
        "--conf spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON=./environment/bin/python",
        "--conf spark.executorEnv.PYSPARK_PYTHON=./environment/bin/python",
        "--conf spark.emr-serverless.driverEnv.HAIL_JAR=./hail-all-spark.jar",
        runs.parameters(spark_driver_memory="2g", spark_executor_memory="1g", spark_sql_shuffle_partitions=None),
    ]
)
KRYO = {
    "classification": "spark-defaults",
    "properties": {
        "spark.serializer": "org.apache.spark.serializer.KryoSerializer",
        "spark.kryo.registrator": "is.hail.kryo.HailKryoRegistrator",
    },
}
OVERRIDES = {
    "applicationConfiguration": [KRYO],
    "monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://bkt/logs/"}},
}


def study(up, application: str, script: str) -> runs.Run:
    entry_point = f"s3://bkt/scripts/{script}"
    arguments = ["--output", "s3://bkt/gwas/"]
    run = runs.start(up, application, entry_point, arguments, SPARK, configurationOverrides=OVERRIDES)
    run.succeeded(limit=600)
    return run


def test_the_study_finds_what_was_planted(up, application):
    build = [sys.executable, EXAMPLE / "build-archive.py"]
    built = Path(subprocess.run(build, check=True, stdout=subprocess.PIPE, text=True).stdout.strip())
    for file in [built / "hail-all-spark.jar", built / "pyspark_hail.tar.gz"]:
        up.s3.upload_file(str(file), "bkt", f"archives/{file.name}")
    for script in ["hail-script-example.py", "check.py"]:
        up.put(f"scripts/{script}", (EXAMPLE / script).read_bytes())

    written = study(up, application, "hail-script-example.py")
    assert "simulated 2000 variants of 400 people" in written.log()
    assert "gwas/test.ht/_SUCCESS" in up.keys("gwas/test.ht/")
    checked = study(up, application, "check.py")
    assert "CHECKED: 2000 rows, and the 4 planted effects are the top hits" in checked.log()
