import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.api.java.JavaSparkContext;

/** Estimates pi by throwing darts: the smallest job that comes as a jar. Argument: number of slices. */
public final class SparkPi {
    private static final int DARTS = 100_000;

    private SparkPi() {}

    /** Darts of one slice that hit the quarter circle. */
    private static long hits(int slice) {
        Random chance = new Random(slice);
        long hits = 0;
        for (int dart = 0; dart < DARTS; dart++) {
            double x = chance.nextDouble();
            double y = chance.nextDouble();
            if (x * x + y * y <= 1) {
                hits++;
            }
        }
        return hits;
    }

    public static void main(String[] arguments) {
        int slices = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 4;
        SparkSession spark = SparkSession.builder().appName("SparkPi").getOrCreate();
        List<Integer> numbers = new ArrayList<>();
        for (int slice = 0; slice < slices; slice++) {
            numbers.add(slice);
        }
        JavaSparkContext context = new JavaSparkContext(spark.sparkContext());
        long hits = context.parallelize(numbers, slices).map(SparkPi::hits).reduce(Long::sum);
        System.out.println("Pi is roughly " + 4.0 * hits / ((double) slices * DARTS));
        spark.stop();
    }
}
