# SPDX-License-Identifier: Apache-2.0
"""An HTTP/1 client that controls every byte and notes when what was sent and received."""
import hashlib
import socket
import struct
import threading
import time

# Of an answer, what two runs of the same server may say differently.
VARYING = {"date", "etag", "last-modified", "x-begin", "x-end", "x-cpu"}
TIMEOUT = 20


class Answer:
    """What the client saw of one response. begin, end: wall clock before sending, after receiving."""

    def __init__(self, begin):
        self.begin, self.end = begin, 0
        self.version, self.status, self.reason, self.headers = "", 0, "", []
        self.body, self.interim, self.complete = b"", [], False

    def header(self, name):
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None

    def same(self):
        """What must be equal in an untraced run."""
        headers = sorted(f"{k}: {v}" for k, v in self.headers if k.lower() not in VARYING)
        digest = hashlib.sha256(self.body).hexdigest()[:16]
        return (self.version, self.status, self.reason, tuple(headers), len(self.body), digest,
                tuple(self.interim), self.complete)


class Closed(Exception):
    """The connection ended before the response did."""


class Connection:
    """address: (host, port), or the path of a Unix socket."""

    def __init__(self, address):
        family = socket.AF_UNIX
        if not isinstance(address, str):
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.host = "localhost" if isinstance(address, str) else "%s:%d" % (
            f"[{address[0]}]" if ":" in address[0] else address[0], address[1])
        self.socket = socket.socket(family)
        self.socket.settimeout(TIMEOUT)
        self.socket.connect(address)
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    # ---- reading

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise Closed()
        self.rest += data

    def _line(self):
        while b"\n" not in self.rest:
            self._more()
        line, self.rest = self.rest.split(b"\n", 1)
        return line.rstrip(b"\r").decode("latin-1")

    def _exactly(self, answer, n):
        while n:
            if not self.rest:
                self._more()
            part, self.rest = self.rest[:n], self.rest[n:]
            answer.body += part
            n -= len(part)

    def _chunks(self, answer):
        while True:
            size = int(self._line().split(";")[0], 16)
            if not size:
                break
            self._exactly(answer, size)
            self._line()
        while self._line():
            pass

    def _until_close(self, answer):
        try:
            while True:
                answer.body += self.rest
                self.rest = b""
                self._more()
        except Closed:
            pass

    def _head(self, answer):
        line = self._line()
        answer.version, status, answer.reason = (line + "  ").split(" ", 2)
        answer.status, answer.reason, answer.headers = int(status), answer.reason.strip(), []
        while True:
            line = self._line()
            if not line:
                return
            key, _, value = line.partition(":")
            answer.headers.append((key, value.strip()))

    def _body(self, answer, method):
        if method == "HEAD" or answer.status in (101, 204, 304):
            return
        if (answer.header("transfer-encoding") or "").lower() == "chunked":
            self._chunks(answer)
        elif answer.header("content-length") is not None:
            self._exactly(answer, int(answer.header("content-length")))
        else:
            self._until_close(answer)

    def read(self, method="GET", begin=None, until_head=False):
        """One response. complete is False when the connection ended first."""
        answer = Answer(begin or time.time_ns())
        try:
            self._head(answer)
            while 100 <= answer.status < 200 and answer.status != 101:
                answer.interim.append(answer.status)
                self._head(answer)
            if until_head:
                return answer
            self._body(answer, method)
            answer.complete = True
        except (Closed, ConnectionResetError):
            pass
        answer.end = time.time_ns()
        return answer

    # ---- asking

    def request(self, target, method="GET", headers=(), body=None, version="1.1"):
        """The bytes of a request. body: bytes, or a list of them that are sent as chunks."""
        fields = dict([("Host", self.host), *headers])
        if isinstance(body, bytes):
            fields.setdefault("Content-Length", str(len(body)))
        elif body is not None:
            fields["Transfer-Encoding"] = "chunked"
            body = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in body) + b"0\r\n\r\n"
        head = f"{method} {target} HTTP/{version}\r\n"
        head += "".join(f"{k}: {v}\r\n" for k, v in fields.items() if v is not None)
        return head.encode() + b"\r\n" + (body or b"")

    def ask(self, target, method="GET", **more):
        begin = time.time_ns()
        self.send(self.request(target, method, **more))
        return self.read(method, begin)


def ask(address, target, method="GET", **more):
    """One request on a connection of its own."""
    connection = Connection(address)
    try:
        return connection.ask(target, method, **more)
    finally:
        connection.close()


def crowd(address, ids, connections, target="/ok?id={}", requests_each=None):
    """Asks for all ids over that many connections at once. {id: Answer}.
    requests_each: after so many requests a connection is replaced by a new one."""
    answers, errors = {}, []

    def work(mine):
        try:
            connection = Connection(address)
            for used, id_ in enumerate(mine, 1):
                last = requests_each and used % requests_each == 0
                headers = [("Connection", "close")] if last else []
                answers[id_] = connection.ask(target.format(id_), headers=headers)
                if last:
                    connection.close()
                    connection = Connection(address)
            connection.close()
        except Exception as error:  # pylint: disable=broad-except
            errors.append(error)

    threads = [threading.Thread(target=work, args=(ids[n::connections],)) for n in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return answers
