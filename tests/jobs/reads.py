"""Tries to read each place that is named, and to write the last; says of each what came of it."""

import sys

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
*readable, writable = sys.argv[1:]


def tried(place: str, act) -> None:
    try:
        print(place, "ok", act(), flush=True)
    except Exception as error:
        text = str(error)
        print(place, "AccessDenied" if "AccessDenied" in text else f"other: {text[:400]}", flush=True)


for place in readable:
    tried(place, lambda: spark.read.text(place).count())
tried(writable, lambda: spark.range(3).coalesce(1).write.mode("overwrite").csv(writable))
spark.stop()
