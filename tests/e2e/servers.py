# SPDX-License-Identifier: Apache-2.0
"""The servers that are traced: Debian's nginx and gunicorn, and Python's http.server."""
import os

from harness import HERE, PYTHON, children, connects, environment, free_port, wait_until

APPS = os.path.join(HERE, "apps")
# What the application answers where nothing else is asked for.
ORDER = b'{"order": 8731, "state": "paid"}\n'


class Server:
    def __init__(self, process, address, service):
        self.process, self.address, self.service = process, address, service
        self.pid = process.pid

    def wait_ready(self):
        wait_until(lambda: connects(self.address) or self.process.poll() is not None,
                   f"{self.service} listens at {self.address}")
        return self


def gunicorn(bench, kind="sync", workers=2, bind=None, service="shop", more=()):
    """kind: sync closes each connection, gthread keeps it. bind: the path of a Unix socket."""
    address = bind or ("127.0.0.1", free_port())
    command = [PYTHON, "/usr/bin/gunicorn", "--chdir", APPS, "--workers", str(workers),
               "--worker-class", kind, "--bind", f"unix:{bind}" if bind else "%s:%d" % address,
               "--limit-request-line", "0", "--limit-request-field_size", "0", "--keep-alive", "30",
               "--log-level", "error", "--worker-tmp-dir", bench.folder]
    command += ["--threads", "4"] if kind == "gthread" else []
    with open(bench.path("gunicorn.log"), "ab") as log:
        process = bench.start([*command, *more, "shop:app"], stdout=log, stderr=log, cwd=APPS,
                              env=environment(OTEL_SERVICE_NAME=service))
    server = Server(process, address, service).wait_ready()
    # The master listens before its workers are there.
    wait_until(lambda: len(children(process.pid)) >= workers, "gunicorn's workers")
    return server


def plain(bench, version="1.1", where=None, service="plain"):
    """http.server. where: "[::1]", or the path of a Unix socket."""
    address = ("127.0.0.1", free_port())
    text = str(address[1])
    if where == "[::1]":
        address = ("::1", address[1])
        text = f"[::1]:{address[1]}"
    elif where:
        address = text = where
    with open(bench.path("plain.log"), "ab") as log:
        process = bench.start([PYTHON, os.path.join(APPS, "plain.py"), text, version], stdout=log,
                              stderr=log, env=environment(OTEL_SERVICE_NAME=service))
    return Server(process, address, service).wait_ready()


NGINX = """
daemon off;
user root;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    default_type text/plain;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    keepalive_requests 100000;
    large_client_header_buffers 8 16k;
    client_max_body_size 16m;
    {http}
    server {{
        listen 127.0.0.1:{port} backlog=512;
        add_header X-Id $arg_id always;
        location / {{ return 200 "text\\n"; }}
        location = /404 {{ return 404 "no\\n"; }}
        location = /500 {{ return 500 "bad\\n"; }}
        location /sendfile/ {{ sendfile on; alias {folder}/files/; }}
        location /copied/ {{ sendfile off; alias {folder}/files/; }}
        {server}
    }}
}}
"""
FILES = {"small": 20, "medium": 200_000, "large": 5_000_000}


def nginx(bench, http="", server=""):
    port = free_port()
    os.makedirs(bench.path("files"), exist_ok=True)
    for name, size in FILES.items():
        bench.write(f"files/{name}", (b"%019d\n" * (size // 20)) % tuple(range(size // 20)))
    conf = bench.write("nginx.conf", NGINX.format(folder=bench.folder, port=port, http=http,
                                                  server=server))
    process = bench.start(["/usr/sbin/nginx", "-p", bench.folder, "-c", conf, "-e",
                           bench.path("nginx-error.log")])
    ready = Server(process, ("127.0.0.1", port), "nginx").wait_ready()
    wait_until(lambda: len(children(process.pid)) >= 2, "nginx's workers")
    return ready
