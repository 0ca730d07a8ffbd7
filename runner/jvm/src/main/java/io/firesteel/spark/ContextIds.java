package io.firesteel.spark;

import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.SparkConf;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerApplicationStart;

/**
 * Names the Spark contexts of one driver: the first has the job run's id as its application id, later ones
 * {@code <run>-2}, {@code <run>-3} and so on. A fixed {@code spark.app.id} alone would make the second context die on the first
 * one's event log.
 *
 * <p>A context reads {@code spark.app.id} when it is made, from the system properties if the script does not set it; so each
 * context that has started names its successor there.
 */
public final class ContextIds extends SparkListener {
  /** The job run's id. */
  static final String RUN = "spark.firesteel.jobRunId";

  private static final String APPLICATION_ID = "spark.app.id";
  private static final AtomicInteger CONTEXTS = new AtomicInteger(1);

  private final String run;

  public ContextIds(SparkConf conf) {
    this.run = conf.get(RUN, "");
    String master = conf.get("spark.master", "");
    if (!run.isEmpty() && !master.startsWith("k8s://")) {
      System.err.println(
          "Firesteel: the program itself set spark.master to " + master
              + ": this Spark context has no executors, all its work is done in the driver."
              + " Take the setting out of the program to use the executors that the run asks for.");
    }
  }

  @Override
  public void onApplicationStart(SparkListenerApplicationStart start) {
    if (!run.isEmpty()) {
      System.setProperty(APPLICATION_ID, run + "-" + CONTEXTS.incrementAndGet());
    }
  }
}
