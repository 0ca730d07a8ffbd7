package org.apache.spark.examples;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/**
 * Pi by throwing darts; the argument is the number of partitions, 2 by default.
 *
 * <p>EMR's images have Spark's examples, and its user guide begins with this one; PyPI's pyspark has those in Python only. So
 * here is one that does and prints the same.
 */
public final class SparkPi {
  private static final long DARTS = 100_000L;

  private SparkPi() {}

  public static void main(String[] args) {
    SparkSession spark = SparkSession.builder().appName("Spark Pi").getOrCreate();
    int slices = args.length > 0 ? Integer.parseInt(args[0]) : 2;
    List<Integer> numbers = new ArrayList<>();
    for (int slice = 0; slice < slices; slice++) {
      numbers.add(slice);
    }
    JavaSparkContext context = new JavaSparkContext(spark.sparkContext());
    long hits = context.parallelize(numbers, slices).map(slice -> hits()).reduce(Long::sum);
    System.out.println("Pi is roughly " + 4.0 * hits / (DARTS * slices));
    spark.stop();
  }

  private static long hits() {
    ThreadLocalRandom chance = ThreadLocalRandom.current();
    long hits = 0;
    for (long dart = 0; dart < DARTS; dart++) {
      double x = chance.nextDouble() * 2 - 1;
      double y = chance.nextDouble() * 2 - 1;
      if (x * x + y * y <= 1) {
        hits++;
      }
    }
    return hits;
  }
}
