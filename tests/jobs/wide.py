"""A shuffle of 200 partitions, as Spark has it by default."""

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

spark = SparkSession.builder.config("spark.sql.adaptive.enabled", "false").getOrCreate()
counts = spark.range(0, 200_000, 1, 8).groupBy((f.col("id") % 1000).alias("k")).count()
print("partitions", counts.rdd.getNumPartitions(), "groups", counts.count(), flush=True)
