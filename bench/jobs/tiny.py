"""The smallest job that asks an executor something. It says when each of its steps was done."""

import time

print(f"step script {time.time():.3f}", flush=True)

from pyspark.sql import SparkSession  # noqa: E402

spark = SparkSession.builder.appName("tiny").getOrCreate()
print(f"step session {time.time():.3f}", flush=True)
print(spark.range(1000).selectExpr("sum(id)").collect(), flush=True)
print(f"step result {time.time():.3f}", flush=True)
spark.stop()
print(f"step stopped {time.time():.3f}", flush=True)
