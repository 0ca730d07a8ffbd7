"""Runs a job, says so, and waits for a file: its dashboard is looked at meanwhile."""

import sys
import time
from pathlib import Path

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
print("sum", spark.range(100).selectExpr("sum(id) as s").first().s, flush=True)
while not Path(sys.argv[1]).exists():
    time.sleep(0.2)
spark.stop()
