package io.firesteel.spark;

import java.io.IOException;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.mapred.FileOutputCommitter;
import org.apache.hadoop.mapred.FileOutputFormat;
import org.apache.hadoop.mapred.JobConf;
import org.apache.hadoop.mapred.JobContext;
import org.apache.hadoop.mapred.TaskAttemptContext;
import org.apache.hadoop.mapreduce.JobID;
import org.apache.hadoop.mapreduce.JobStatus;
import org.apache.hadoop.mapreduce.TaskAttemptID;
import org.apache.hadoop.mapreduce.TaskID;
import org.apache.hadoop.mapreduce.TaskType;
import org.apache.hadoop.mapreduce.lib.output.PathOutputCommitter;
import org.apache.hadoop.mapreduce.lib.output.PathOutputCommitterFactory;
import org.apache.hadoop.mapreduce.task.TaskAttemptContextImpl;

/**
 * The committer that Hadoop's factory chooses for the destination (on S3A: the magic committer), for output formats of
 * the old {@code mapred} API: {@code rdd.saveAsTextFile} and the like.
 *
 * <p>Old formats ask a {@link FileOutputCommitter} where to write, each time a new one: so everything follows from the
 * context, and nothing is kept between calls.
 */
public class OldApiCommitter extends FileOutputCommitter {
  @Override
  public Path getWorkPath(TaskAttemptContext task, Path output) throws IOException {
    return PathOutputCommitterFactory.createCommitter(output, task).getWorkPath();
  }

  @Override
  public void setupJob(JobContext job) throws IOException {
    if (hasOutput(job.getJobConf())) {
      ofJob(job).setupJob(job);
    }
  }

  @Override
  public void commitJob(JobContext job) throws IOException {
    if (hasOutput(job.getJobConf())) {
      ofJob(job).commitJob(job);
    }
  }

  @Override
  @Deprecated
  public void cleanupJob(JobContext job) throws IOException {
    if (hasOutput(job.getJobConf())) {
      ofJob(job).cleanupJob(job);
    }
  }

  @Override
  public void abortJob(JobContext job, int state) throws IOException {
    if (hasOutput(job.getJobConf())) {
      boolean killed = state == JobStatus.State.KILLED.getValue();
      ofJob(job).abortJob(job, killed ? JobStatus.State.KILLED : JobStatus.State.FAILED);
    }
  }

  @Override
  public void setupTask(TaskAttemptContext task) throws IOException {
    if (hasOutput(task.getJobConf())) {
      ofTask(task).setupTask(task);
    }
  }

  @Override
  public boolean needsTaskCommit(TaskAttemptContext task) throws IOException {
    return hasOutput(task.getJobConf()) && ofTask(task).needsTaskCommit(task);
  }

  @Override
  public void commitTask(TaskAttemptContext task) throws IOException {
    if (hasOutput(task.getJobConf())) {
      ofTask(task).commitTask(task);
    }
  }

  @Override
  public void abortTask(TaskAttemptContext task) throws IOException {
    if (hasOutput(task.getJobConf())) {
      ofTask(task).abortTask(task);
    }
  }

  @Override
  public boolean isCommitJobRepeatable(JobContext job) throws IOException {
    return hasOutput(job.getJobConf()) && ofJob(job).isCommitJobRepeatable(job);
  }

  @Override
  @Deprecated
  public boolean isRecoverySupported() {
    return false;
  }

  @Override
  public boolean isRecoverySupported(JobContext job) {
    return false;
  }

  private static boolean hasOutput(JobConf conf) {
    return FileOutputFormat.getOutputPath(conf) != null;
  }

  private static PathOutputCommitter ofTask(TaskAttemptContext task) throws IOException {
    return PathOutputCommitterFactory.createCommitter(FileOutputFormat.getOutputPath(task.getJobConf()), task);
  }

  /** The factory wants a task even for a job's own steps; what follows from it is the job's id alone. */
  private static PathOutputCommitter ofJob(JobContext job) throws IOException {
    JobConf conf = job.getJobConf();
    JobID id = job.getJobID();
    TaskAttemptID any = new TaskAttemptID(new TaskID(id, TaskType.MAP, 0), 0);
    return PathOutputCommitterFactory.createCommitter(
        FileOutputFormat.getOutputPath(conf), new TaskAttemptContextImpl(conf, any));
  }
}
