#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes a fixture of a recording: trim.py IN OUT

Leaves out what tells of the machine that made it (process records, host, paths, pids in resources);
connections, bytes and times stay as they are. Record only traffic that you made up yourself.
"""
import json
import struct
import sys

MAGIC = b"otelbpf1"
REC_PROC, REC_RESOURCE = 4, 65
KEEP = {"service.name", "process.executable.name", "telemetry.sdk.language"}


def records(data):
    at = len(MAGIC)
    while at + 16 <= len(data):
        kind, _, size, _ = struct.unpack_from("<HHIQ", data, at)
        yield kind, data[at:at + size]
        at += (size + 7) // 8 * 8


def trimmed(record):
    pid, length = struct.unpack_from("<II", record, 16)
    attrs = json.loads(record[24:24 + length])
    text = json.dumps({k: v for k, v in attrs.items() if k in KEEP}).encode()
    kind, flags, _, time = struct.unpack_from("<HHIQ", record)
    return struct.pack("<HHIQII", kind, flags, 24 + len(text), time, pid, len(text)) + text


def main():
    with open(sys.argv[1], "rb") as f:
        data = f.read()
    if not data.startswith(MAGIC):
        sys.exit(f"{sys.argv[1]}: not a recording")
    with open(sys.argv[2], "wb") as f:
        f.write(MAGIC)
        for kind, record in records(data):
            if kind == REC_PROC:
                continue
            if kind == REC_RESOURCE:
                record = trimmed(record)
            f.write(record + bytes(-len(record) % 8))


main()
