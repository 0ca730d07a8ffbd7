"""Shuffles on executors that come, waits in the driver until they have gone, and uses the shuffle's output again."""

import time

from pyspark.sql import SparkSession

LIMIT = 150  # seconds until the executors must have gone

context = SparkSession.builder.getOrCreate().sparkContext
mapped = context.accumulator(0)


def executors() -> int:
    return context._jsc.sc().schedulerBackend().getExecutorIds().size()


def one(number: int) -> tuple[int, int]:
    mapped.add(1)
    time.sleep(1)
    return number % 3, number


print("executors before", executors(), flush=True)
sums = context.parallelize(range(12), 12).map(one).reduceByKey(lambda a, b: a + b, 3)
print("sums", sorted(sums.collect()), "with executors", executors(), flush=True)
end = time.monotonic() + LIMIT
while executors() > 0 and time.monotonic() < end:
    time.sleep(1)
print("executors after", executors(), flush=True)
print("sums again", sorted(sums.collect()), "mapped", mapped.value, flush=True)
