"""gunicorn's settings. It works with threads, because a request waits for PostgreSQL and for nothing else."""

import os

bind = os.environ.get("BIND", "127.0.0.1:3000")
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "16"))
worker_class = "gthread"
timeout = 30
graceful_timeout = 20
# The proxy in front already writes a line a request.
accesslog = None
errorlog = "-"
loglevel = "warning"
control_socket_disable = True
