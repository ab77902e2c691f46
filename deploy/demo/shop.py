# SPDX-License-Identifier: Apache-2.0
"""The demo's shop, a plain WSGI application: gunicorn shop:app. It asks the stock service, and knows
nothing of tracing."""
import http.client
import os

STOCK = ("127.0.0.1", int(os.environ.get("STOCK_PORT", "0")))


def stock(path):
    """(status, text) of the stock service's answer."""
    connection = http.client.HTTPConnection(*STOCK, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def respond(method, path):
    parts = path.strip("/").split("/")
    if path == "/":
        return "200 OK", "Welcome to the shop."
    if parts[0] == "orders" and method == "POST":
        return "201 Created", stock("/stock/sku-4711")[1]
    if parts[0] == "orders":
        return "200 OK", f"order {parts[-1]}: " + stock(f"/stock/sku-{parts[-1]}")[1]
    if path == "/report":
        return "200 OK", stock("/inventory")[1]
    if path == "/checkout":
        status, text = stock("/reserve")
        return ("200 OK", text) if status == 200 else ("500 Internal Server Error", "no reservation")
    return "404 Not Found", "no such page"


def app(environ, start_response):
    status, text = respond(environ["REQUEST_METHOD"], environ["PATH_INFO"])
    body = text.encode() + b"\n"
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
