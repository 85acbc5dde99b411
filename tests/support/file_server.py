"""A local HTTP server that sends files with the faults of bad servers."""

import http.server
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Served:
    """The behaviour of a server: its data, ``redirects`` and ``statuses``. ``requests`` lists the received requests.

    - ``cuts``: a number of bytes for each of the next connections, after which the connection is cut.
    - ``endless``: the start of a raw HTTP response, and a part that is repeated forever after it.
    - ``length``: the Content-Length to send instead of the true length; 0 omits the header.
    """

    data: bytes
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    length: int | None = None
    endless: tuple[bytes, bytes] | None = None
    redirects: dict[str, str] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    address: str = ""


@contextmanager
def serving(served):
    """Serve on a free port while the block runs; ``served.address`` is the server's address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            bytes_range = self.headers.get("Range")
            served.requests.append((self.path, bytes_range))
            if served.endless is not None:
                self.wfile.write(served.endless[0])
                with suppress(OSError):  # the client closed the connection
                    while True:
                        self.wfile.write(served.endless[1])
                return
            if self.path in served.redirects:
                self.send_response(302)
                self.send_header("Location", served.redirects[self.path])
                self.end_headers()
                return
            if served.statuses:
                self.send_error(served.statuses.pop(0))
                return
            start = 0
            if bytes_range is not None and served.ranges:
                start = int(bytes_range.removeprefix("bytes=").removesuffix("-"))
                if start >= len(served.data):
                    self.send_error(416)
                    return
            body = served.data[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(served.data) - 1}/{len(served.data)}")
            if served.length != 0:
                self.send_header("Content-Length", str(served.length or len(body)))
            self.end_headers()
            self.wfile.write(body[: served.cuts.pop(0)] if served.cuts else body)

        def log_message(self, format, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
