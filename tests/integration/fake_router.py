"""fake_router.py ADDRESS FOLDER: metadata (port 80) and password server (8080) of a CloudStack
virtual router. Answers are files in FOLDER, named after the path with ``/`` as ``_``; the
password is given out once, and ``FOLDER/password.saved`` says that the guest has confirmed it."""

import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer

ADDRESS, FOLDER = sys.argv[1], Path(sys.argv[2])


class Metadata(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # noqa: N802
        answer = FOLDER / self.path.strip("/").replace("/", "_")
        self.send_response(200 if answer.is_file() else 404)
        self.end_headers()
        if answer.is_file():
            self.wfile.write(answer.read_bytes())


class Password(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # noqa: N802
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.answer().encode())

    def answer(self) -> str:
        saved = FOLDER / "password.saved"
        request = self.headers.get("DomU_Request")
        if request == "saved_password":
            saved.touch()
        if request == "send_my_password" and not saved.exists():
            return (FOLDER / "password").read_text()
        return "saved_password"


# Not http.server's own class: it would ask a DNS that a namespace does not have.
threading.Thread(target=ThreadingTCPServer((ADDRESS, 80), Metadata).serve_forever).start()
ThreadingTCPServer((ADDRESS, 8080), Password).serve_forever()
