"""A web server on loopback that lies on request."""

import http.server
import ssl
import threading
from pathlib import Path

from agent import protocol as p


class LyingServer:
    """``pages`` maps a path to (status, headers, body chunks)."""

    def __init__(self, certificate: Path | None = None):
        self.pages: dict[str, tuple[int, dict[str, str], list[bytes]]] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # noqa: N802
                outer.seen.append((self.path, dict(self.headers)))
                status, headers, chunks = outer.pages.get(self.path, (404, {}, [b"no"]))
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.end_headers()
                for chunk in chunks:
                    try:
                        self.wfile.write(chunk)
                    except OSError:
                        return

            def log_message(self, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def serve(self, path: str, body: bytes, status: int = 200, **headers: str) -> str:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        named.setdefault("Content-Length", str(len(body)))
        self.pages[path] = (status, named, [body])
        return self.url(path)

    def redirect(self, path: str, to: str) -> str:
        self.pages[path] = (302, {"Location": to, "Content-Length": "0"}, [])
        return self.url(path)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def rules(self, **changes) -> p.EgressRules:
        wanted = {"allow_internal": ("127.0.0.0/8",), "ports": (self.port,), **changes}
        return p.EgressRules(**wanted)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
