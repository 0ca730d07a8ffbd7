"""Two `firesteel serve` on one state, on this machine, and callers that cannot tell them apart.

The state is in the S3 of a `firesteel up`, whose own control plane has nothing to do. Each of the two has a data folder,
and so a host, of its own. Requests go to them in turn through a proxy that goes on with the other when one is gone.
"""

import http.client
import itertools
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from installation import END, Installation, free_port

STATE = "s3://shared-state/installation"


class Pair(Installation):
    """An installation whose API is answered by two control planes in turn."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.planes = [Plane(folder / name, self) for name in ("first", "second")]
        self.proxy: Proxy | None = None

    def start(self, *words: str, **variables: str) -> "Pair":
        super().start(*words, **variables)
        self.s3.create_bucket(Bucket="shared-state")
        for plane in self.planes:
            plane.start()
        self.proxy = Proxy([plane.port for plane in self.planes])
        self.variables["AWS_ENDPOINT_URL_EMR_SERVERLESS"] = f"http://127.0.0.1:{self.proxy.server_port}"
        return self

    def client(self, service: str):
        if service != "emr-serverless" or self.proxy is None:
            return super().client(service)
        if service not in self._clients:
            endpoint = self.variables["AWS_ENDPOINT_URL_EMR_SERVERLESS"]
            self._clients[service] = self.connect(service, endpoint)
        return self._clients[service]

    def end(self, how: int = signal.SIGTERM, limit: float = END) -> float:
        for plane in self.planes:
            if plane.process is not None and plane.process.poll() is None:
                plane.end(how, limit)
        self.proxy.shutdown()
        self.proxy.server_close()
        return super().end(how, limit)

    def tail(self, lines: int = 80) -> str:
        return "\n".join([super().tail(lines), *(f"--- {plane.folder}\n{plane.tail(lines)}" for plane in self.planes)])

    def processes(self) -> dict[int, str]:
        return super().processes() | {pid: text for plane in self.planes for pid, text in plane.processes().items()}


class Plane(Installation):
    """One `firesteel serve`."""

    def __init__(self, folder: Path, store: Installation) -> None:
        folder.mkdir()
        super().__init__(folder)
        self.store = store

    def start(self, *words: str, **variables: str) -> "Plane":
        theirs = {name: self.store.variables[name] for name in self.store.variables if name.startswith("AWS_")}
        theirs.pop("AWS_ENDPOINT_URL_EMR_SERVERLESS", None)
        callers = {
            "FIRESTEEL_ACCESS_KEY_ID": theirs["AWS_ACCESS_KEY_ID"],
            "FIRESTEEL_SECRET_ACCESS_KEY": theirs["AWS_SECRET_ACCESS_KEY"],
        }
        words = ["--state", STATE, "--listen", f"127.0.0.1:{self.port}", *words]
        self.serve("serve", *words, **(theirs | callers | variables))
        return self

    def workers(self) -> dict[int, str]:
        """Its processes but itself."""
        return {pid: text for pid, text in self.processes().items() if pid != self.process.pid}


class Storm:
    """Kills one of the two with SIGKILL and starts it again, the other one next, as long as it lasts."""

    def __init__(self, pair: Pair, pause: float = 4) -> None:
        self.pair, self.pause = pair, pause
        self.over = threading.Event()
        self.killed = 0
        self.fault: BaseException | None = None
        self.thread = threading.Thread(target=self.rage)

    def __enter__(self) -> "Storm":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.over.set()
        self.thread.join()
        assert self.fault is None and self.killed > 0, self.fault

    def rage(self) -> None:
        try:
            for plane in itertools.cycle(self.pair.planes):
                if self.over.wait(self.pause):
                    return
                plane.end(signal.SIGKILL)
                self.killed += 1
                plane.start()
        except BaseException as fault:  # noqa: BLE001 said when the storm is over
            self.fault = fault


class Proxy(ThreadingHTTPServer):
    """Passes each request on as it is, to the backends in turn; to the next one if a backend does not take it.

    A backend that goes away in the middle is 502, as of a load balancer: whether the request was done is then for the
    caller's own retry to find out.
    """

    daemon_threads = True

    def __init__(self, ports: list[int]) -> None:
        super().__init__(("127.0.0.1", 0), Passing)
        self.turns = itertools.cycle([ports, ports[::-1]])
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def order(self) -> list[int]:
        with self.lock:
            return next(self.turns)


class Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        for port in self.server.order():
            backend = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            try:
                backend.connect()
            except ConnectionError:
                continue
            try:
                self.answer(*self.ask(backend, body))
            except (OSError, http.client.HTTPException):
                self.answer(502, [], b"")
            finally:
                backend.close()
            return
        self.answer(503, [], b"")

    def ask(self, backend: http.client.HTTPConnection, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        # The host is what the caller has signed.
        backend.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() != "connection":
                backend.putheader(name, value)
        backend.endheaders(body or None)
        response = backend.getresponse()
        return response.status, response.getheaders(), response.read()

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = pass_on

    def log_message(self, *_) -> None:
        pass
