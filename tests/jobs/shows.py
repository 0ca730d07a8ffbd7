"""Prints the properties that are named, writes a text file with the old API if told where, logs on an executor.

    [s3://bucket/folder/] [property …]
"""

import sys

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
for name in sys.argv[1:]:
    if name.startswith("s3"):
        spark.sparkContext.parallelize(["a", "b", "c"], 2).saveAsTextFile(name)
        print("text", sorted(spark.sparkContext.textFile(name).collect()), flush=True)
    else:
        print(name, spark.sparkContext.getConf().get(name, "-"), flush=True)
print("sum", spark.sparkContext.parallelize(range(10), 2).sum(), flush=True)
