"""Writes five partitions, overwrites one of them dynamically, and prints the rows of each.

    s3://bucket/folder/
"""

import sys

from pyspark.sql import SparkSession

target = sys.argv[1]
spark = SparkSession.builder.getOrCreate()
spark.range(50).selectExpr("id", "id % 5 as k").write.partitionBy("k").parquet(target)
spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
spark.range(3).selectExpr("id", "1 as k").write.mode("overwrite").partitionBy("k").parquet(target)
rows = spark.read.parquet(target).groupBy("k").count().orderBy("k").collect()
print("rows", [row["count"] for row in rows], flush=True)
