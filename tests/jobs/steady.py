"""Prints a line every 0.2 s for so many seconds, then runs one small Spark job and writes to S3 if told where.

What logs and crashes are tested with.

    SECONDS [s3://bucket/folder/]
"""

import sys
import time

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
print("begin", flush=True)
for number in range(int(float(sys.argv[1]) * 5)):
    print(f"line {number:05} {time.time():.3f}", flush=True)
    time.sleep(0.2)
total = spark.sparkContext.parallelize(range(100), 2).map(lambda number: number * 2).sum()
print(f"sum {total}", flush=True)
for target in sys.argv[2:]:
    spark.range(100).write.parquet(target)
    print(f"rows {spark.read.parquet(target).count()}", flush=True)
