# SPDX-License-Identifier: Apache-2.0
"""A WSGI application whose paths behave as the tests want: gunicorn shop:app."""
import hashlib
import http.client
import os
import time
from urllib.parse import parse_qs

ORDER = b'{"order": 8731, "state": "paid"}\n'


def read_all(stream):
    digest, size = hashlib.sha256(), 0
    while True:
        data = stream.read(65536)
        if not data:
            return b"%d %s\n" % (size, digest.hexdigest().encode())
        digest.update(data)
        size += len(data)


def chunks(count, seconds, size=20):
    for n in range(count):
        time.sleep(seconds / count)
        yield b"%0*d\n" % (size - 1, n)


def dying():
    yield b"the first part\n" * 8
    time.sleep(0.05)
    os.kill(os.getpid(), 9)
    yield b"never sent\n"


def onward(query):
    """Asks another service, named by host and port in the query."""
    upstream = http.client.HTTPConnection("127.0.0.1", int(query["port"][0]), timeout=10)
    begin = time.time_ns()
    upstream.request("GET", f"/ok?id={query['id'][0]}")
    body = upstream.getresponse().read()
    end = time.time_ns()
    upstream.close()
    return [("X-Begin", str(begin)), ("X-End", str(end))], [body]


def busy(seconds):
    """Uses the CPU."""
    begin = time.thread_time_ns()
    while time.thread_time_ns() - begin < seconds * 1e9:
        pass


def answer(environ):
    """(status, headers, body)"""
    path, query = environ["PATH_INFO"], parse_qs(environ["QUERY_STRING"])
    number = float(query.get("n", ["0"])[0])
    if path == "/echo":
        return "200 OK", [], [read_all(environ["wsgi.input"])]
    if path.startswith("/status/"):
        code = path.split("/")[2]
        if code in ("204", "304"):
            return f"{code} X", [], []
        if code in ("301", "302"):
            return f"{code} X", [("Location", "/elsewhere"), ("Content-Length", "0")], []
        return f"{code} X", [("Content-Length", "5")], [b"text\n"]
    if path == "/stream":
        return "200 OK", [], chunks(10, 0.2)
    if path == "/many":
        return "200 OK", [], chunks(int(number), 0.001 * number)
    if path == "/long":
        return "200 OK", [], chunks(200, 2, 10000)
    if path == "/slow":
        time.sleep(number)
        return "200 OK", [("Content-Length", "5")], [b"slow\n"]
    if path == "/busy":
        busy(number)
        return "200 OK", [("Content-Length", "5")], [b"busy\n"]
    if path == "/large":
        return "200 OK", [("Content-Length", str(int(number)))], [b"x" * int(number)]
    if path == "/die":
        return "200 OK", [("Content-Length", "1000")], dying()
    if path == "/onward":
        headers, body = onward(query)
        return "200 OK", headers, body
    if path == "/pid":
        return "200 OK", [], [b"%d\n" % os.getpid()]
    return "200 OK", [("Content-Length", str(len(ORDER)))], [ORDER]


def app(environ, start_response):
    begin = time.time_ns()
    status, headers, body = answer(environ)
    if not any(name == "X-Begin" for name, _ in headers):
        headers += [("X-Begin", str(begin)), ("X-End", str(time.time_ns()))]
    start_response(status, [("Content-Type", "text/plain"), ("X-App", "shop"), *headers])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else body
