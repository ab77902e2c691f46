#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An OTLP/HTTP backend for tests: keeps what it is sent, and answers as it is told.

As a program it prints "port N" and then one JSON line for each request, until its standard input
ends:

    otlp_sink.py [--port N] [--reply REPLY]...

As a module: sink = Sink(replies=[...]); sink.url; sink.requests; sink.spans(); sink.close().

REPLY, used up one by one, for the requests in order; after the last one all are accepted:
    ok            200
    503           this status, empty body (any number)
    429:2         this status with Retry-After: 2
    partial:3     200 that refuses 3 spans
    hang          never answered
    close         the connection is closed without an answer
A reply may be repeated: 503*4
"""

import argparse
import gzip
import http.server
import json
import struct
import sys
import threading


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("varint too long")


def fields(data):
    """Yields (number, wire type, value) of one message."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire == 1:
            value, at = data[at:at + 8], at + 8
        elif wire == 5:
            value, at = data[at:at + 4], at + 4
        elif wire == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        else:
            raise ValueError(f"wire type {wire}")
        if at > len(data):
            raise ValueError("message is cut")
        yield number, wire, value


# Field number: (name, wire type, type). A list type means repeated. Stated from the specification
# independently of the product's .proto file.
TEXT, BYTES, INT, FIXED32, FIXED64 = "text", "bytes", "int", "fixed32", "fixed64"
ANY, KEY_VALUE, ARRAY, SPAN, STATUS, RESOURCE, SCOPE, SCOPE_SPANS, RESOURCE_SPANS, REQUEST = range(10)
SCHEMA = {
    ANY: {1: ("string", TEXT), 2: ("bool", INT), 3: ("int", INT), 4: ("double", FIXED64),
          5: ("array", ARRAY), 7: ("bytes", BYTES)},
    ARRAY: {1: ("values", [ANY])},
    KEY_VALUE: {1: ("key", TEXT), 2: ("value", ANY)},
    STATUS: {2: ("message", TEXT), 3: ("code", INT)},
    SPAN: {1: ("trace_id", BYTES), 2: ("span_id", BYTES), 3: ("trace_state", TEXT),
           4: ("parent_span_id", BYTES), 5: ("name", TEXT), 6: ("kind", INT),
           7: ("start", FIXED64), 8: ("end", FIXED64), 9: ("attributes", [KEY_VALUE]),
           10: ("dropped_attributes_count", INT), 15: ("status", STATUS), 16: ("flags", FIXED32)},
    RESOURCE: {1: ("attributes", [KEY_VALUE]), 2: ("dropped_attributes_count", INT)},
    SCOPE: {1: ("name", TEXT), 2: ("version", TEXT)},
    SCOPE_SPANS: {1: ("scope", SCOPE), 2: ("spans", [SPAN]), 3: ("schema_url", TEXT)},
    RESOURCE_SPANS: {1: ("resource", RESOURCE), 2: ("scope_spans", [SCOPE_SPANS]),
                     3: ("schema_url", TEXT)},
    REQUEST: {1: ("resource_spans", [RESOURCE_SPANS])},
}
WIRE = {TEXT: 2, BYTES: 2, INT: 0, FIXED32: 5, FIXED64: 1}


def scalar(kind, value):
    if kind == TEXT:
        return value.decode("utf-8")
    if kind == BYTES:
        return value.hex()
    if kind == FIXED32:
        return struct.unpack("<I", value)[0]
    if kind == FIXED64:
        return struct.unpack("<Q", value)[0]
    return value - (1 << 64) if value >= 1 << 63 else value


def decode(kind, data):
    """A message as a dictionary; a field that the schema does not have is an error."""
    out = {}
    for number, wire, value in fields(data):
        if number not in SCHEMA[kind]:
            raise ValueError(f"unknown field {number}")
        name, of = SCHEMA[kind][number]
        repeated = isinstance(of, list)
        of = of[0] if repeated else of
        if wire != WIRE.get(of, 2):
            raise ValueError(f"{name}: wire type {wire}")
        item = scalar(of, value) if of in WIRE else decode(of, value)
        if repeated:
            out.setdefault(name, []).append(item)
        elif name in out:
            raise ValueError(f"{name} is there twice")
        else:
            out[name] = item
    return out


def plain(value):
    """An AnyValue as a Python value."""
    if "array" in value:
        return [plain(v) for v in value["array"].get("values", [])]
    return next(iter(value.values()), None)


def attributes(message):
    out = {}
    for pair in message.get("attributes", []):
        if pair["key"] in out:
            raise ValueError(f"attribute {pair['key']} is there twice")
        out[pair["key"]] = plain(pair.get("value", {}))
    return out


def spans_of(body):
    """The spans of a request, each with its attributes, resource and scope as dictionaries."""
    out = []
    for group in decode(REQUEST, body).get("resource_spans", []):
        resource = attributes(group.get("resource", {}))
        for scoped in group.get("scope_spans", []):
            for span in scoped.get("spans", []):
                span = dict(span, attributes=attributes(span), resource=resource)
                span["scope"] = scoped.get("scope", {})
                span["schema_url"] = scoped.get("schema_url", "")
                out.append(span)
    return out


def expand(replies):
    out = []
    for reply in replies:
        text, _, times = reply.partition("*")
        out += [text] * int(times or 1)
    return out


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        reply = self.server.sink.take(self, body)
        word, _, number = reply.partition(":")
        if word == "hang":
            self.server.sink.closing.wait()
            self.close_connection = True
        elif word == "close":
            self.close_connection = True
        elif word == "partial":
            inner = b"\x08" + bytes([int(number)]) + b"\x12\x07refused"
            self.answer(200, b"\x0a" + bytes([len(inner)]) + inner)
        elif word == "ok":
            self.answer(200, b"")
        else:
            self.answer(int(word), b"", number)

    def answer(self, status, body, retry_after=""):
        self.send_response(status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(body)))
        if retry_after:
            self.send_header("Retry-After", retry_after)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Sink:
    def __init__(self, port=0, replies=(), on_request=None):
        self.replies = expand(replies)
        self.requests = []
        self.on_request = on_request
        self.closing = threading.Event()
        self.changed = threading.Condition()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.server.sink = self
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def take(self, handler, body):
        """Notes one request; returns the reply to give."""
        if handler.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        with self.changed:
            reply = self.replies.pop(0) if self.replies else "ok"
            request = {"method": handler.command, "path": handler.path,
                       "headers": {k.lower(): v for k, v in handler.headers.items()},
                       "body": body, "reply": reply}
            self.requests.append(request)
            self.changed.notify_all()
            if self.on_request:
                self.on_request(request)
        return reply

    def spans(self):
        """Those of the requests that were accepted; each request is decoded once."""
        with self.changed:
            return [s for r in self.requests if r["reply"] == "ok" for s in self.decoded(r)]

    @staticmethod
    def decoded(request):
        if "spans" not in request:
            request["spans"] = spans_of(request["body"])
        return request["spans"]

    def wait_for_spans(self, count, timeout):
        """True when count spans were accepted in that many seconds."""
        with self.changed:
            return self.changed.wait_for(lambda: len(self.spans()) >= count, timeout)

    def close(self):
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def print_request(request):
    line = {k: request[k] for k in ("method", "path", "headers", "reply")}
    try:
        line["spans"] = spans_of(request["body"])
    except (ValueError, IndexError, KeyError, struct.error) as error:
        line["error"] = f"not an OTLP request: {error}"
    print(json.dumps(line, ensure_ascii=False), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--reply", action="append", default=[])
    args = parser.parse_args()
    sink = Sink(args.port, args.reply, print_request)
    print(f"port {sink.port}", flush=True)
    sys.stdin.read()
    sink.close()


if __name__ == "__main__":
    main()
