"""A `firesteel serve` on another S3 than ours: SeaweedFS, which has keys of its own and no STS."""

import json
import subprocess
from pathlib import Path

import boto3
import botocore.config
from installation import ROOT, Installation, free_port, wait_for

WEED = ROOT / ".cache" / "venv" / "bin" / "weed"
ROLE = "arn:aws:iam::000000000000:role/study"
OWN = ("weedadmin", "weedsecretofours")  # of the control plane and its callers
STUDY = ("weedstudy", "weedsecretofstudy")  # of the jobs
MAY = ["Read", "Write", "List", "Tagging"]
PORTS = ["master", "volume", "filer"]


class Foreign(Installation):
    """The store and one control plane on it; `store` is the store's process."""

    role = ROLE

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.endpoint = f"http://127.0.0.1:{free_port()}"
        self.store: subprocess.Popen | None = None

    def open_store(self) -> None:
        """SeaweedFS with two keys: one for all, and one for the bucket of the jobs alone."""
        people = {"admin": (OWN, ["Admin", *MAY]), "study": (STUDY, [f"{action}:bkt" for action in MAY])}
        config = self.folder / "s3.json"
        config.write_text(json.dumps({"identities": [identity(name, *what) for name, what in people.items()]}))
        words = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-volume.max=20", "-filer", "-s3", "-master.telemetry=false"]
        words += ["-master.volumeSizeLimitMB=64", "-s3.port.iceberg=0", "-s3.port.lance=0"]
        words += [f"-{part}.port{kind}={free_port()}" for part in PORTS for kind in ("", ".grpc")]
        words += [f"-s3.port.grpc={free_port()}", f"-s3.port={self.endpoint.rsplit(':', 1)[1]}"]
        words += [f"-dir={self.folder}", f"-s3.config={config}"]
        log = open(self.folder / "weed.log", "w")
        self.store = subprocess.Popen([str(WEED), "server", *words], cwd=self.folder, stdout=log, stderr=log)
        wait_for(self.has_store, 60, "SeaweedFS answers")

    def has_store(self) -> bool:
        try:
            self.s3.list_buckets()
        except Exception:  # noqa: BLE001 its parts come up one after the other
            return False
        return True

    def start(self, *words: str, **variables: str) -> "Foreign":
        keys = dict(zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), OWN, strict=True))
        where = {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_S3": self.endpoint}
        words = ["--state", "s3://state/installation", "--listen", f"127.0.0.1:{self.port}", *words]
        self.serve("serve", *words, **(keys | where | variables))
        return self

    def give_keys(self) -> None:
        """Keys of the store for the jobs' role."""
        file = self.data / "role-keys.toml"
        lines = ["[[role]]", f'arn = "{ROLE}"', f'access_key_id = "{STUDY[0]}"', f'secret_access_key = "{STUDY[1]}"']
        file.touch(mode=0o600)
        file.write_text("\n".join(lines))

    def close_store(self) -> None:
        self.store.kill()
        self.store.wait()

    def client(self, service: str):
        if service not in self._clients:
            own = f"http://127.0.0.1:{self.port}"
            self._clients[service] = boto3.session.Session().client(
                service,
                region_name="us-east-1",
                aws_access_key_id=OWN[0],
                aws_secret_access_key=OWN[1],
                endpoint_url=self.endpoint if service == "s3" else own,
                config=botocore.config.Config(retries={"mode": "standard"}, s3={"addressing_style": "path"}),
            )
        return self._clients[service]


def identity(name: str, keys: tuple[str, str], actions: list[str]) -> dict:
    return {"name": name, "credentials": [{"accessKey": keys[0], "secretKey": keys[1]}], "actions": actions}

