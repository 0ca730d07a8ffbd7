"""Counts the words of gzipped JSON lines in S3 and writes the counts as Parquet to S3.

    --input  s3://bucket/input/*.json.gz    one {"line": …, "text": …} a line
    --output s3://bucket/output/counts/     rows of (word, count)
"""

import argparse

from pyspark.sql import SparkSession
from pyspark.sql import functions as f


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--input", required=True)
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()

    spark = SparkSession.builder.appName("word-count").getOrCreate()
    lines = spark.read.json(arguments.input)
    words = lines.select(f.explode(f.split("text", " ")).alias("word"))
    words.groupBy("word").count().write.mode("overwrite").parquet(arguments.output)

    counts = spark.read.parquet(arguments.output)
    total = counts.agg(f.sum("count")).first()[0]
    print(f"{total} words, {counts.count()} different")
    for row in counts.orderBy(f.desc("count"), "word").take(5):
        print(f"{row['count']:8} {row['word']}")


if __name__ == "__main__":
    main()
