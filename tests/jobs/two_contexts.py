"""Stops its session and begins another, as hl.stop() and hl.init() do."""

from pyspark.sql import SparkSession

for number in (1, 2):
    spark = SparkSession.builder.appName(f"context {number}").getOrCreate()
    total = spark.sparkContext.parallelize(range(10), 2).map(lambda n: n * n).sum()
    print(f"context {number}: {spark.sparkContext.applicationId} sum {total}", flush=True)
    spark.stop()
