package io.firesteel.spark;

import java.io.IOException;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.mapreduce.JobContext;
import org.apache.hadoop.mapreduce.JobStatus;
import org.apache.hadoop.mapreduce.TaskAttemptContext;
import org.apache.hadoop.mapreduce.lib.output.PathOutputCommitter;
import org.apache.hadoop.mapreduce.lib.output.PathOutputCommitterFactory;
import org.apache.parquet.hadoop.ParquetOutputCommitter;

/**
 * The committer that Hadoop's factory chooses for the destination (on S3A: the magic committer), in the shape that
 * Spark's SQL writers accept for Parquet and for every other format.
 *
 * <p>Spark brings such a class in spark-hadoop-cloud, which is not served for every line; this one needs Hadoop alone.
 */
public class FactoryCommitter extends ParquetOutputCommitter {
  private final PathOutputCommitter chosen;

  public FactoryCommitter(Path destination, TaskAttemptContext context) throws IOException {
    super(destination, context);
    chosen = PathOutputCommitterFactory.createCommitter(destination, context);
  }

  @Override
  public Path getWorkPath() throws IOException {
    return chosen.getWorkPath();
  }

  @Override
  public void setupJob(JobContext job) throws IOException {
    chosen.setupJob(job);
  }

  @Override
  public void commitJob(JobContext job) throws IOException {
    chosen.commitJob(job);
  }

  @Override
  @Deprecated
  public void cleanupJob(JobContext job) throws IOException {
    chosen.cleanupJob(job);
  }

  @Override
  public void abortJob(JobContext job, JobStatus.State state) throws IOException {
    chosen.abortJob(job, state);
  }

  @Override
  public void setupTask(TaskAttemptContext task) throws IOException {
    chosen.setupTask(task);
  }

  @Override
  public boolean needsTaskCommit(TaskAttemptContext task) throws IOException {
    return chosen.needsTaskCommit(task);
  }

  @Override
  public void commitTask(TaskAttemptContext task) throws IOException {
    chosen.commitTask(task);
  }

  @Override
  public void abortTask(TaskAttemptContext task) throws IOException {
    chosen.abortTask(task);
  }

  @Override
  public boolean isCommitJobRepeatable(JobContext job) throws IOException {
    return chosen.isCommitJobRepeatable(job);
  }

  @Override
  public boolean isRecoverySupported(JobContext job) throws IOException {
    return chosen.isRecoverySupported(job);
  }

  @Override
  @Deprecated
  public boolean isRecoverySupported() {
    return chosen.isRecoverySupported();
  }

  @Override
  public void recoverTask(TaskAttemptContext task) throws IOException {
    chosen.recoverTask(task);
  }

  @Override
  public String toString() {
    return "FactoryCommitter over " + chosen;
  }
}
