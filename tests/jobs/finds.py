"""Prints what came with the job: modules, files, archives, a resource in a jar; on the driver and on an executor.

    [file …]
"""

import importlib
import os
import sys

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()


def find(_=None):
    found = []
    for name in sys.argv[1:] if _ is None else _:
        kind, _, what = name.partition(":")
        if kind == "module":
            found.append(f"{name}={importlib.import_module(what).WHO}")
        elif kind == "file":
            found.append(f"{name}={open(what).read().strip() if os.path.exists(what) else '-'}")
    return found


print("driver", *find(), flush=True)
print("executor", *spark.sparkContext.parallelize([sys.argv[1:]], 1).map(find).first(), flush=True)
loader = spark.sparkContext._jvm.Thread.currentThread().getContextClassLoader()
for name in sys.argv[1:]:
    if name.startswith("resource:"):
        print("driver", f"{name}={loader.getResource(name[9:]) is not None}", flush=True)
