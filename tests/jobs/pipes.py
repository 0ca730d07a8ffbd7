"""Reports to Dagster what it was told and what Spark made of it."""

from dagster_pipes import PipesEnvVarParamsLoader, open_dagster_pipes
from pyspark.sql import SparkSession

with open_dagster_pipes(params_loader=PipesEnvVarParamsLoader()) as pipes:
    rows = pipes.get_extra("rows")
    total = SparkSession.builder.getOrCreate().range(rows).selectExpr("sum(id)").first()[0]
    pipes.report_custom_message({"rows": rows, "sum": total})
