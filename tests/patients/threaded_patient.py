"""The standard library's http.server with a thread for each reader, and the SDK that blocks."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.patients.blocking import answer
from tests.patients.relay import HEADERS, PORT, Refused


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            pieces = answer(asked["prompt"])
        except Refused as refused:
            return self._head(refused.status, "application/json", json.dumps(refused.body).encode())
        self._head(200, "text/event-stream")
        try:
            for piece in pieces:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
        except ConnectionError:
            self.close_connection = True
        finally:
            pieces.close()
        return None

    def _head(self, status: int, media_type: str, body: bytes | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        if body is None:
            self.send_header("Transfer-Encoding", "chunked")
            for field in HEADERS.items():
                self.send_header(*field)
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128  # its own 5 turns a crowd away


if __name__ == "__main__":
    Server(("127.0.0.1", PORT), Handler).serve_forever()
