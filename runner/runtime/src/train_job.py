# The job that class-data archives are trained on: what jobs do, in small, on an S3 in memory.
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

spark = SparkSession.builder.appName("training").getOrCreate()
sc = spark.sparkContext
print(sc.parallelize(range(100), 4).map(lambda x: (x % 7, x)).reduceByKey(lambda a, b: a + b).collect())
events = spark.range(2000).withColumn("k", f.col("id") % 7).withColumn("s", f.concat(f.lit("v"), f.col("id").cast("string")))
names = spark.createDataFrame([(i, "name%d" % i) for i in range(7)], ["k", "name"])
joined = events.join(names, "k").cache()
print(joined.groupBy("name").agg(f.count("*").alias("n"), f.max("s"), f.avg("id")).orderBy("name").collect())
for kind in ("parquet", "json"):
    path = "s3://training/" + kind
    joined.repartition(2).write.format(kind).mode("overwrite").save(path)
    print(kind, spark.read.format(kind).load(path).where("id > 10").count())
spark.read.parquet("s3://training/parquet").createOrReplaceTempView("t")
print(spark.sql("select name, count(distinct k) c, sum(id) from t group by name having c > 0 order by 1 limit 3").collect())
print(spark.read.text("s3://training/json").select(f.explode(f.split("value", ",")).alias("w")).groupBy("w").count().orderBy(f.desc("count")).limit(3).collect())
spark.stop()
