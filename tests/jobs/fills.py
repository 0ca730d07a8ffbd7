"""Ends badly in the way that is asked for.

    disk        writes into its current folder until there is no room
    heap        keeps byte arrays in the driver's JVM until there is no room
    waits       prints its JVM's process id and sleeps
"""

import sys
import time

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
jvm = spark.sparkContext._jvm
print("begun", jvm.java.lang.ProcessHandle.current().pid(), flush=True)
time.sleep(2)
if sys.argv[1] == "disk":
    with open("ballast", "wb") as ballast:
        while True:
            ballast.write(bytes(1 << 20))
            ballast.flush()
elif sys.argv[1] == "heap":
    kept = []
    while True:
        kept.append(jvm.java.nio.ByteBuffer.allocate(64 << 20))
time.sleep(600)
