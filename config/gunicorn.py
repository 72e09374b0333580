"""gunicorn's settings: threads, because a request waits for PostgreSQL and for nothing else."""

import os

bind = os.environ.get("BIND", "127.0.0.1:3000")
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "16"))
worker_class = "gthread"
timeout = 30
graceful_timeout = 20
# A line a request is what the proxy in front writes already.
accesslog = None
errorlog = "-"
loglevel = "warning"
control_socket_disable = True
