"""gunicorn's settings. It works with threads, because a request waits for PostgreSQL and for nothing else."""

import os

bind = os.environ.get("BIND", "127.0.0.1:3000")
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "16"))
# How long a client may take: for a request's head, for its body after that, and to take an answer in.
request_header_seconds = float(os.environ.get("REQUEST_HEADER_SECONDS", "10"))
request_body_seconds = float(os.environ.get("REQUEST_BODY_SECONDS", "20"))
response_seconds = float(os.environ.get("RESPONSE_SECONDS", "20"))
if min(workers, threads, request_header_seconds, request_body_seconds, response_seconds) <= 0:
    raise ValueError("WEB_PROCESSES, WEB_THREADS, REQUEST_…_SECONDS and RESPONSE_SECONDS must be more than 0.")

worker_class = "config.web.worker.WebWorker"
# Of one process. A quarter of the file descriptors that most systems allow it, since the pool of the database needs some too.
worker_connections = 400
# `config.web.worker` sends by itself what a client doesn't take at once, and sendfile would wait for it.
sendfile = False
timeout = 30
graceful_timeout = 20
# The proxy in front already writes a line a request.
accesslog = None
errorlog = "-"
loglevel = "warning"
control_socket_disable = True
