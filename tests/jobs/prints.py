"""Prints so many MB of numbered lines. It needs no Spark.

    MEGABYTES
"""

import sys

LINE = "26/11/21 12:00:00 INFO TaskSetManager: Finished task {:09} in stage 7.0 (TID {:09}) on 127.0.0.1\n"
count = int(sys.argv[1]) * 1_000_000 // len(LINE.format(0, 0))
for first in range(0, count, 10_000):
    numbers = range(first, min(first + 10_000, count))
    sys.stdout.write("".join(LINE.format(number, number * 7919 % 1_000_003) for number in numbers))
print("printed", count, flush=True)
