# SPDX-License-Identifier: Apache-2.0
"""The demo's stock service: gunicorn stock:app. Its inventory is slow, its reservations fail."""
import time


def respond(path):
    if path.startswith("/stock/"):
        time.sleep(0.01)
        return "200 OK", "12 pieces"
    if path == "/inventory":
        time.sleep(1.2)
        return "200 OK", "4711 kinds of things"
    if path == "/reserve":
        return "503 Service Unavailable", "try later"
    return "404 Not Found", "no such thing"


def app(environ, start_response):
    status, text = respond(environ["PATH_INFO"])
    body = text.encode() + b"\n"
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
