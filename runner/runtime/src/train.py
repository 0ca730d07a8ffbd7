# Trains class-data archives: one real driver and one real executor of this runtime run a job that does what jobs do,
# and each JVM writes the classes it loaded when it ends. Argument: a JSON object, see `cds.rs`.
# Serves on loopback what the two need of the world: the few calls of the Kubernetes API, and an S3 in memory.
import base64, hashlib, json, os, re, signal, subprocess, sys, threading, time, uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

plan = json.loads(sys.argv[1])
pods, executors, objects, uploads = {}, [], {}, {}


def environment(pod):
    fields = {"status.podIP": "127.0.0.1", "metadata.name": pod["metadata"]["name"]}
    env = {}
    for entry in pod["spec"]["containers"][0].get("env", []):
        source = entry.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
        env[entry["name"]] = fields.get(source, "") if source else entry.get("value", "")
    return env


def launch(pod):
    env = environment(pod)
    numbered = sorted((int(name.rsplit("_", 1)[1]), value) for name, value in env.items() if name.startswith("SPARK_JAVA_OPT_"))
    backend = ["--driver-url", env["SPARK_DRIVER_URL"], "--executor-id", env["SPARK_EXECUTOR_ID"], "--cores", "2",
               "--app-id", env["SPARK_APPLICATION_ID"], "--hostname", "127.0.0.1",
               "--resourceProfileId", env.get("SPARK_RESOURCE_PROFILE_ID", "0")]
    main = "org.apache.spark.executor.CoarseGrainedExecutorBackend"
    if plan["pod_backend"]:
        main = "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend"
        backend += ["--podName", env["SPARK_EXECUTOR_POD_NAME"]]
    options = [value for _, value in numbered] + plan["executor_options"] + ["-Xmx512m"]
    env.update(plan["env"], SPARK_LOCAL_DIRS=plan["folder"])
    command = [plan["java"], *options, "-cp", plan["class_path"], main, *backend]
    executors.append(subprocess.Popen(command, env=env, cwd=plan["folder"], stdin=subprocess.DEVNULL))
    state = {"running": {"startedAt": "2020-01-01T00:00:00Z"}}
    container = pod["spec"]["containers"][0]["name"]
    pod["status"] = {"phase": "Running", "podIP": "127.0.0.1", "containerStatuses": [
        {"name": container, "image": "", "imageID": "", "ready": True, "restartCount": 0, "state": state}]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, body=b"", **headers):
        body = json.dumps(body).encode() if isinstance(body, dict) else body
        self.send_response(code)
        headers.setdefault("Content_Length", len(body))
        headers.setdefault("Content_Type", "application/json" if body[:1] == b"{" else "application/xml")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    def body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return self.chunks()
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.headers.get("x-amz-decoded-content-length"):
            return raw
        plain, at = b"", 0
        while True:
            end = raw.index(b"\r\n", at)
            size = int(raw[at:end].split(b";")[0], 16)
            if size == 0:
                return plain
            plain += raw[end + 2:end + 2 + size]
            at = end + 4 + size

    def chunks(self):
        plain = b""
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            plain += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return plain

    def serve(self):
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        if url.path.startswith("/api/"):
            return self.kubernetes(url.path, query)
        bucket, _, key = unquote(url.path)[1:].partition("/")
        getattr(self, "s3_" + self.command.lower())(bucket, key, query)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = serve

    def kubernetes(self, path, query):
        if query.get("watch") == "true":
            return self.watch()
        body = self.body()
        if self.command == "POST":
            made = json.loads(body)
            made["metadata"].update(uid=str(uuid.uuid4()), resourceVersion="1", namespace="default", creationTimestamp="2020-01-01T00:00:00Z")
            if path.endswith("/pods"):
                made["status"] = {"phase": "Pending"}
                pods[made["metadata"]["name"]] = made
                launch(made)
            return self.answer(201, made)
        kind = {"pods": "PodList", "configmaps": "ConfigMapList", "services": "ServiceList"}.get(path.rsplit("/", 1)[1], "List")
        items = list(pods.values()) if kind == "PodList" and self.command == "GET" else []
        self.answer(200, {"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items})

    def watch(self):
        """Accepts the watch and says nothing on it: polling tells the driver of its pods."""
        self.close_connection = True
        if "Sec-WebSocket-Key" not in self.headers:
            return self.answer(200)
        seed = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(seed.encode()).digest()).decode()
        self.wfile.write(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        self.wfile.flush()
        while True:
            head = self.rfile.read(2)
            if len(head) < 2:
                return
            self.rfile.read(4 + (head[1] & 127))
            if head[0] & 15 == 8:
                return self.wfile.write(b"\x88\x00")

    def s3_head(self, bucket, key, query):
        if key and key not in objects:
            return self.answer(404)
        body = objects.get(key, b"")
        self.answer(200, ETag=etag(body), Content_Length=len(body), Last_Modified="Wed, 01 Jan 2020 00:00:00 GMT")

    def s3_get(self, bucket, key, query):
        if not key:
            return self.answer(200, listing(bucket, query))
        if key not in objects:
            return self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        body, wanted = objects[key], re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        common = {"ETag": etag(body), "Last_Modified": "Wed, 01 Jan 2020 00:00:00 GMT"}
        if not wanted:
            return self.answer(200, body, **common)
        first, last = int(wanted[1]), min(int(wanted[2] or len(body)), len(body) - 1)
        self.answer(206, body[first:last + 1], Content_Range=f"bytes {first}-{last}/{len(body)}", **common)

    def s3_put(self, bucket, key, query):
        body = self.body()
        source = self.headers.get("x-amz-copy-source")
        if source:
            body = objects[unquote(source).lstrip("/").partition("/")[2]]
        if "uploadId" in query:
            uploads[query["uploadId"]][int(query["partNumber"])] = body
        elif key:
            objects[key] = body
        mark = etag(body)
        xml = f"<CopyObjectResult><ETag>{mark}</ETag><LastModified>2020-01-01T00:00:00.000Z</LastModified></CopyObjectResult>"
        self.answer(200, xml.encode() if source else b"", ETag=mark)

    def s3_post(self, bucket, key, query):
        body = self.body().decode()
        if "uploads" in query:
            upload = uuid.uuid4().hex
            uploads[upload] = {}
            xml = f"<InitiateMultipartUploadResult><Bucket>{bucket}</Bucket><Key>{key}</Key><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
        elif "uploadId" in query:
            parts = uploads.pop(query["uploadId"], {})
            objects[key] = b"".join(part for _, part in sorted(parts.items()))
            xml = f"<CompleteMultipartUploadResult><Bucket>{bucket}</Bucket><Key>{key}</Key><ETag>{etag(objects[key])}</ETag></CompleteMultipartUploadResult>"
        else:
            for name in re.findall(r"<Key>(.*?)</Key>", body):
                objects.pop(name, None)
            xml = "<DeleteResult></DeleteResult>"
        self.answer(200, xml.encode())

    def s3_delete(self, bucket, key, query):
        objects.pop(key, None)
        self.send_response(204)
        self.end_headers()


def etag(body):
    return '"' + hashlib.md5(body).hexdigest() + '"'


def listing(bucket, query):
    if "uploads" in query:
        return b"<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>"
    prefix, delimiter, folders, rows = query.get("prefix", ""), query.get("delimiter"), set(), []
    for key in sorted(name for name in list(objects) if name.startswith(prefix)):
        rest = key[len(prefix):]
        if delimiter and delimiter in rest:
            folders.add(prefix + rest.split(delimiter)[0] + delimiter)
        else:
            rows.append(f"<Contents><Key>{key}</Key><LastModified>2020-01-01T00:00:00.000Z</LastModified><ETag>{etag(objects[key])}</ETag>"
                        f"<Size>{len(objects[key])}</Size><StorageClass>STANDARD</StorageClass></Contents>")
    rows += [f"<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>" for folder in sorted(folders)]
    return (f"<ListBucketResult><Name>{bucket}</Name><Prefix>{prefix}</Prefix><KeyCount>{len(rows)}</KeyCount><MaxKeys>1000</MaxKeys>"
            f"<IsTruncated>false</IsTruncated>{''.join(rows)}</ListBucketResult>").encode()


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
here = f"http://127.0.0.1:{server.server_port}"
conf = dict(plan["conf"])
conf.update({"spark.hadoop.fs.s3a.endpoint": here, "spark.master": "k8s://" + here})
arguments = [part for name, value in conf.items() for part in ("--conf", f"{name}={value}")]
driver = subprocess.Popen([plan["java"], *plan["driver_options"], "-Xmx1g", "-cp", plan["class_path"], "org.apache.spark.deploy.SparkSubmit",
                           *arguments, plan["job"]], env=plan["env"], cwd=plan["folder"], stdin=subprocess.DEVNULL)
deadline, status = time.time() + plan["seconds"], 1
try:
    status = driver.wait(timeout=plan["seconds"])
    for executor in executors:
        executor.wait(timeout=max(1, deadline - time.time()))
except subprocess.TimeoutExpired:
    status = 1
    print("training took too long", file=sys.stderr)
finally:
    for child in [driver, *executors]:
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
            child.wait()
sys.exit(status)
