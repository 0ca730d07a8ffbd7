"""Shuffles, then ends with 3 in its first attempt and well in its second; the marker says which one it is."""

import sys

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
marker = spark._jvm.org.apache.hadoop.fs.Path(sys.argv[1])
files = marker.getFileSystem(spark._jsc.hadoopConfiguration())
second = files.exists(marker)
files.create(marker, True).close()
sums = spark.range(1000).selectExpr("id % 3 key", "id").groupBy("key").sum("id").collect()
print("second" if second else "first", sum(row[1] for row in sums), flush=True)
if not second:
    sys.exit(3)
spark.stop()
