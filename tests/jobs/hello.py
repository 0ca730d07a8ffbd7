"""The smallest job: a sum, and the first argument if there is one."""

import sys

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
total = spark.range(100).selectExpr("sum(id)").first()[0]
print("hello", *sys.argv[1:2], "sum", total, flush=True)
spark.stop()
