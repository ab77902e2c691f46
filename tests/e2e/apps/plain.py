# SPDX-License-Identifier: Apache-2.0
"""The same application on Python's http.server, a thread for each connection.

plain.py ADDRESS [1.0|1.1]: ADDRESS is a port of 127.0.0.1, [::1]:port, or the path of a Unix socket.
"""
import http.server
import os
import socket
import socketserver
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import shop  # noqa: E402


class Limited:
    """A request's body of known length."""

    def __init__(self, file, length):
        self.file, self.left = file, length

    def read(self, size):
        data = self.file.read(min(self.left, size))
        self.left -= len(data)
        return data


class Chunked:
    """A chunked body, decoded."""

    def __init__(self, file):
        self.file, self.over = file, False

    def read(self, _):
        if self.over:
            return b""
        data = self.file.read(int(self.file.readline().split(b";")[0], 16))
        self.file.readline()
        self.over = not data
        return data


class Handler(http.server.BaseHTTPRequestHandler):
    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.handle_any
        raise AttributeError(name)

    def handle_any(self):
        target = self.path.split("://", 1)[-1]
        path, _, query = target[target.find("/"):].partition("?")
        body = Limited(self.rfile, int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = Chunked(self.rfile)
        kept = []
        parts = shop.app({"REQUEST_METHOD": self.command, "PATH_INFO": path, "QUERY_STRING": query,
                          "wsgi.input": body}, lambda *given: kept.append(given))
        status, headers = kept[0]
        code, reason = status.split(" ", 1)
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        self.send_body(int(code), {name.lower() for name, _ in headers}, parts)

    def send_body(self, code, names, parts):
        chunked = "content-length" not in names and code not in (204, 304)
        if chunked and "HTTP/1.1" == self.protocol_version == self.request_version:
            self.send_header("Transfer-Encoding", "chunked")
        elif chunked:
            chunked, self.close_connection = False, True
        self.end_headers()
        for part in parts:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
        if chunked and self.command != "HEAD":
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, where):
        address = where
        self.address_family = socket.AF_UNIX
        if where.startswith("["):
            self.address_family = socket.AF_INET6
            address = ("::1", int(where.rsplit(":", 1)[1]))
        elif where.isdigit():
            self.address_family, address = socket.AF_INET, ("127.0.0.1", int(where))
        # Head and body are sent apart; the client would acknowledge the head 40 ms late.
        Handler.disable_nagle_algorithm = self.address_family != socket.AF_UNIX
        super().__init__(address, Handler)

    def handle_error(self, *_):
        pass


if __name__ == "__main__":
    Handler.protocol_version = "HTTP/" + (sys.argv[2] if len(sys.argv) > 2 else "1.1")
    Server(sys.argv[1]).serve_forever()
