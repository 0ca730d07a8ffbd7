"""Reads the study's result back in a run of its own and checks it: exit 0 if it is right, else 1 with the reason.

    --output s3://bucket/output/     where hail-script-example.py wrote test.ht
"""

import argparse
import sys
import warnings

import hail as hl
from pyspark.sql import SparkSession

VARIANTS = 2_000
# As in hail-script-example.py.
PLANTED = {250: 1.2, 777: -1.5, 1200: 1.2, 1801: -1.5}
GENOME_WIDE = 5e-8


def faults(hits: hl.Table) -> list[str]:
    """What is wrong with the result, in words."""
    wrong = []
    rows = hits.count()
    if rows != VARIANTS:
        wrong.append(f"test.ht has {rows} rows, {VARIANTS} were written")
    top = hits.order_by(hits.p_value).take(len(PLANTED))
    for hit in top:
        print(f"hit {hit.locus}  beta {hit.beta:+.2f}  p {hit.p_value:.2e}", flush=True)
    found = {hit.locus.position: hit for hit in top}
    for position, effect in PLANTED.items():
        hit = found.get(position)
        if hit is None:
            wrong.append(f"the effect planted at 1:{position} is not among the top {len(PLANTED)} hits")
        elif hit.p_value > GENOME_WIDE:
            wrong.append(f"1:{position} has p {hit.p_value:.2e}, which is not below {GENOME_WIDE}")
        elif abs(hit.beta - effect) > 0.5:
            wrong.append(f"1:{position} has beta {hit.beta:.2f}, planted was {effect}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True, help="s3://bucket/prefix/")
    output = parser.parse_args().output.rstrip("/")

    # It asks for what --jars does already.
    warnings.filterwarnings("ignore", message="Hail requires additional configuration")
    spark = SparkSession.builder.appName("hail-gwas-check").getOrCreate()
    hl.init(sc=spark.sparkContext, tmp_dir=f"{output}/tmp", log="hail.log")
    wrong = faults(hl.read_table(f"{output}/test.ht"))
    print("\n".join(wrong) or f"CHECKED: {VARIANTS} rows, and the {len(PLANTED)} planted effects are the top hits")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
