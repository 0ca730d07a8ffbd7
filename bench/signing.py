"""Requests signed ahead, as the bytes that go over the wire: a load generator must not spend its time on signatures.

A signature is good for five minutes."""

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

LIFE = 240  # seconds that a signed request may wait; the service refuses it after 300


class Signer:
    """Signs for one installation."""

    def __init__(self, at) -> None:
        self.host = f"127.0.0.1:{at.port}"
        self.region = at.variables["AWS_REGION"]
        self.keys = Credentials(at.variables["AWS_ACCESS_KEY_ID"], at.variables["AWS_SECRET_ACCESS_KEY"])

    def headers(self, service: str, method: str, path: str, body: bytes = b"", **headers: str) -> dict[str, str]:
        """All headers of a request, signed."""
        given = {name.replace("_", "-"): value for name, value in headers.items()} | {"host": self.host}
        request = AWSRequest(method=method, url=f"http://{self.host}{path}", data=body, headers=given)
        kind = S3SigV4Auth if service == "s3" else SigV4Auth
        kind(self.keys, service, self.region).add_auth(request)
        return dict(request.headers.items()) | ({"content-length": str(len(body))} if body else {})

    def wire(self, service: str, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
        """A whole HTTP/1.1 request."""
        return bytes_of(method, path, self.headers(service, method, path, body, **headers), body)


def bytes_of(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body
