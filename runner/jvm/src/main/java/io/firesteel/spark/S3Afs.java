package io.firesteel.spark;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.DelegateToFileSystem;
import org.apache.hadoop.fs.s3a.S3AFileSystem;

/**
 * S3A for FileContext users (structured streaming's checkpoints) under whatever scheme the URI has.
 *
 * <p>Hadoop 3.3's own {@code org.apache.hadoop.fs.s3a.S3A} accepts {@code s3a://} alone; jobs for EMR write {@code
 * s3://}.
 */
public class S3Afs extends DelegateToFileSystem {
  public S3Afs(URI uri, Configuration conf) throws IOException, URISyntaxException {
    super(uri, new S3AFileSystem(), conf, uri.getScheme(), false);
  }

  /** Object stores have no port. */
  @Override
  public int getUriDefaultPort() {
    return -1;
  }
}
