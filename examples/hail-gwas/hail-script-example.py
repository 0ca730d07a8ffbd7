"""A genome-wide association study in Hail: simulated genotypes, planted effects, a Hail Table in S3.

    --output s3://bucket/output/     where test.ht goes (and, while this runs, Hail's temporary files)

2,000 variants of 400 people from three populations (Balding-Nichols). The trait depends on four variants that are planted
below, on age, on sex, and on the population, which would make false hits if it were no covariate. check.py finds the
planted ones again.
"""

import argparse
import warnings

import hail as hl
from pyspark.sql import SparkSession

SEED = 20260521
VARIANTS, PEOPLE, POPULATIONS, PARTITIONS = 2_000, 400, 3, 4
# Position on contig 1 → effect of one copy of the alternate allele, in standard deviations of the noise.
PLANTED = {250: 1.2, 777: -1.5, 1200: 1.2, 1801: -1.5}


def simulate(tmp: str) -> hl.MatrixTable:
    """Genotypes, covariates and the trait."""
    study = hl.balding_nichols_model(POPULATIONS, PEOPLE, VARIANTS, n_partitions=PARTITIONS)
    study = study.annotate_cols(age=hl.rand_unif(20, 80, seed=1), is_female=hl.rand_bool(0.5, seed=2))
    # Written down once: what is random must not be drawn anew at every use.
    study = study.checkpoint(f"{tmp}/study.mt", overwrite=True)
    effect = hl.literal(PLANTED).get(study.locus.position, 0.0)
    study = study.annotate_cols(inherited=hl.agg.sum(effect * study.GT.n_alt_alleles()))
    return study.annotate_cols(
        trait=study.inherited
        + 0.02 * study.age
        + 0.5 * hl.float64(study.is_female)
        + 1.0 * hl.float64(study.pop)
        + hl.rand_norm(0, 1, seed=3)
    )


def associate(study: hl.MatrixTable) -> hl.Table:
    """One linear regression for each variant."""
    is_in = [hl.float64(study.pop == population) for population in range(1, POPULATIONS)]
    return hl.linear_regression_rows(
        y=study.trait,
        x=study.GT.n_alt_alleles(),
        covariates=[1.0, study.age, hl.float64(study.is_female), *is_in],
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True, help="s3://bucket/prefix/")
    output = parser.parse_args().output.rstrip("/")

    # It asks for what --jars does already.
    warnings.filterwarnings("ignore", message="Hail requires additional configuration")
    spark = SparkSession.builder.appName("hail-gwas").getOrCreate()
    hl.init(sc=spark.sparkContext, tmp_dir=f"{output}/tmp", log="hail.log", global_seed=SEED)
    print(f"Hail {hl.version()} on Spark {spark.version}", flush=True)

    study = simulate(f"{output}/tmp")
    variants, people = study.count()
    print(f"simulated {variants} variants of {people} people", flush=True)

    hits = associate(study)
    hits.write(f"{output}/test.ht", overwrite=True)
    print(f"wrote {output}/test.ht", flush=True)

    hits = hl.read_table(f"{output}/test.ht")
    for hit in hits.order_by(hits.p_value).take(5):
        print(f"hit {hit.locus}  beta {hit.beta:+.2f}  p {hit.p_value:.2e}", flush=True)


if __name__ == "__main__":
    main()
