"""Prints, then ends with 3."""

import sys

from pyspark.sql import SparkSession

SparkSession.builder.getOrCreate()
print("before the end", flush=True)
sys.exit(3)
