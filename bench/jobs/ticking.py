"""Prints the time ten times a second for as many seconds as its argument says."""

import sys
import time

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
spark.range(1).count()
next_tick = time.time()
for _ in range(int(float(sys.argv[1]) * 10)):
    next_tick += 0.1
    time.sleep(max(0.0, next_tick - time.time()))
    print(f"tick {time.time():.6f}", flush=True)
time.sleep(2)
spark.stop()
