"""Entry points and what comes with them, in every form that the user guide shows."""

import functools
import http.server
import io
import tarfile
import threading
import zipfile

import pytest
import runs

HOME = "/usr/lib/spark/examples"
FINDS = "s3://bkt/jobs/finds.py"


def zipped(**files: str) -> bytes:
    """A zip (or jar, or egg) of files; two underscores in a name stand for a dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return buffer.getvalue()


def tarred(name: str, text: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A Maven repository of one package, on loopback."""
    root = tmp_path_factory.mktemp("m2")
    folder = root / "org" / "example" / "hello" / "1.0"
    folder.mkdir(parents=True)
    (folder / "hello-1.0.jar").write_bytes(zipped(hello__txt="hello"))
    names = "<groupId>org.example</groupId><artifactId>hello</artifactId><version>1.0</version>"
    pom = f'<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>{names}</project>'
    (folder / "hello-1.0.pom").write_text(pom)
    handler = functools.partial(Quiet, directory=str(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def started(up, application, registry) -> dict[str, runs.Run]:
    up.put("jars/resource.jar", zipped(in_conf__txt="x"))
    up.put("libs/first.zip", zipped(first__py="WHO = 'zip'"))
    up.put("libs/second.egg", zipped(second__py="WHO = 'egg'"))
    up.put("libs/third.py", "WHO = 'py'")
    up.put("files/settings.json", "settings")
    up.put("archives/data.tar.gz", tarred("inner/data.txt", "archived"))
    in_conf = {
        "spark.jars": "s3://bkt/jars/resource.jar",
        "spark.submit.pyFiles": "s3://bkt/libs/first.zip,s3://bkt/libs/second.egg,s3a://bkt/libs/third.py",
        "spark.archives": "s3://bkt/archives/data.tar.gz#data",
        "spark.files": "s3n://bkt/files/settings.json",
    }
    what = ["module:first", "module:second", "module:third", "file:settings.json", "file:data/inner/data.txt", "resource:in_conf.txt"]
    small = runs.parameters()
    begin = functools.partial(runs.start, up, application)
    return {
        "example jar": begin(f"local://{HOME}/jars/spark-examples.jar", ["4"], f"--class org.apache.spark.examples.SparkPi {small}"),
        "example script": begin(f"{HOME}/src/main/python/pi.py", ["2"]),
        "in conf": begin(FINDS, what, f"{small} {runs.conf_words(in_conf)}"),
        "package": begin(FINDS, ["resource:hello.txt"], f"{small} --packages org.example:hello:1.0 --repositories {registry}"),
        "no package": begin(FINDS, [], f"{small} --packages org.example:none:1.0 --repositories {registry}"),
    }


@pytest.mark.parametrize("form", ["example jar", "example script"])
def test_paths_of_emrs_image(started, form):
    started[form].succeeded()
    assert "Pi is roughly 3.1" in started[form].log()


def test_everything_that_comes_by_configuration(started):
    started["in conf"].succeeded()
    common = ["module:first=zip", "module:second=egg", "module:third=py", "file:settings.json=settings"]
    common.append("file:data/inner/data.txt=archived")
    log = started["in conf"].log().splitlines()
    assert log == [" ".join(["driver", *common]), " ".join(["executor", *common]), "driver resource:in_conf.txt=True"]


def test_a_package_is_resolved(started):
    started["package"].succeeded()
    assert "resource:hello.txt=True" in started["package"].log()


def test_a_package_that_nobody_has(started):
    said = started["no package"].failed()
    assert "org.example#none;1.0" in said, said
