"""gunicorn's settings. It works with threads, because a request waits for PostgreSQL and for nothing else.

SIGUSR2 replaces the service by whatever release stands in its folder, and no request waits for it: a second gunicorn starts beside
this one, on the same socket. When it serves, it sends this one SIGTERM. If it can't start, this one goes on. SIGHUP forks new
processes of the same code.
"""

import gc
import multiprocessing
import os
import signal
import sys
from contextlib import suppress
from typing import Any

from gunicorn import systemd

# The process that this one is to replace, where it is a second gunicorn.
_REPLACES = "GUNICORN_PID"

bind: str | list[str] = os.environ.get("BIND", "127.0.0.1:3000") or []
if "GUNICORN_FD" in os.environ and str(bind).startswith("fd://"):
    # The second gunicorn was given the sockets under other numbers.
    os.environ["BIND"], bind = "", []
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = int(os.environ.get("WEB_THREADS", "16"))
# How long a client may take: for a request's head, for its body after that, and to take an answer in.
request_header_seconds = float(os.environ.get("REQUEST_HEADER_SECONDS", "10"))
request_body_seconds = float(os.environ.get("REQUEST_BODY_SECONDS", "20"))
response_seconds = float(os.environ.get("RESPONSE_SECONDS", "20"))
if min(workers, threads, request_header_seconds, request_body_seconds, response_seconds) <= 0:
    raise ValueError("WEB_PROCESSES, WEB_THREADS, REQUEST_…_SECONDS and RESPONSE_SECONDS must be more than 0.")

# What a process needs is imported before it is forked, so that it serves within milliseconds. Without this, requests wait for
# seconds while processes are replaced: gunicorn ends the old ones before the new have imported anything.
preload_app = True
# gunicorn would believe these headers of any client on this machine. Django reads those of a trusted proxy (settings.py).
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
worker_class = "config.web.worker.WebWorker"
# Of one process. A quarter of the file descriptors that most systems allow it, since the pool of the database needs some too.
worker_connections = 400
# `config.web.worker` sends by itself what a client doesn't take at once, and sendfile would wait for it.
sendfile = False
# Longer than load balancers keep a connection of theirs (60 s): who hangs up first must be who would send the next request.
keepalive = 75
timeout = 30
graceful_timeout = 20
# The proxy in front already writes a line a request.
accesslog = None
errorlog = "-"
logger_class = "config.web.gunicorn_log.Log"
loglevel = "warning"
control_socket_disable = True


def on_starting(server: Any) -> None:
    """End gunicorn where the product could not work; the log says why. gunicorn calls this before it listens.

    Another process looks, because a service that does not answer keeps a thread there, and this process is about to fork.
    """
    asked = multiprocessing.get_context("fork").Process(target=_preflight, args=[server.cfg.workers])
    asked.start()
    asked.join()
    if asked.exitcode:
        if server.pidfile:
            server.pidfile.unlink()
        raise SystemExit(1)


def _preflight(web_processes: int) -> None:
    from blogs.preflight import start

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if not start.may_start("web", web_processes=web_processes):
        raise SystemExit(1)


def when_ready(server: Any) -> None:
    """Called before the processes are forked."""
    # Collecting garbage would write to the memory that they share.
    gc.collect()
    gc.freeze()
    if _REPLACES in os.environ:
        systemd.sd_notify(f"MAINPID={os.getpid()}", server.log)


def pre_exec(server: Any) -> None:
    """Called in the process that becomes the second gunicorn."""
    # By its own arguments gunicorn would run a file of its package, and so find `http` and `config` there.
    server.START_CTX["args"] = [sys.executable, "-m", "gunicorn", *sys.argv[1:]]


def post_worker_init(worker: Any) -> None:
    """Called in each process when it is about to serve."""
    if _REPLACES in os.environ:
        # The first process tells it, and the others find it leaving or gone.
        with suppress(ProcessLookupError):
            os.kill(int(os.environ[_REPLACES]), signal.SIGTERM)
