"""Waits to be cancelled, and says how its Python ends.

    handler     with a handler of SIGTERM that ends it
    default     without one
    stubborn    whatever it is told, it goes on
"""

import atexit
import signal
import sys
import time

from pyspark.sql import SparkSession


def told(number, _frame):
    print(f"handler: {signal.Signals(number).name}", flush=True)
    raise SystemExit(3)


spark = SparkSession.builder.getOrCreate()
if sys.argv[1] == "handler":
    signal.signal(signal.SIGTERM, told)
# Spark is still there for whoever has something to put in order.
atexit.register(lambda: print("atexit:", spark.range(7).count(), flush=True))
print("begun", flush=True)
while True:
    try:
        time.sleep(600)
    except KeyboardInterrupt:
        if sys.argv[1] != "stubborn":
            raise
        print("interrupted", flush=True)
    finally:
        print("finally", flush=True)
