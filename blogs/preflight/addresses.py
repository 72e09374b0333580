"""How the web processes are reached: host names, and https."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings

from blogs.preflight.faults import Fault

_LOCAL = {"localhost", ".localhost", "127.0.0.1", "[::1]", "::1", "0.0.0.0"}


def faults() -> Iterator[Fault]:
    if settings.SECURE_SSL_REDIRECT and not settings.SECURE_PROXY_SSL_HEADER:
        message = "HTTPS_ONLY is true and BEHIND_HTTPS_PROXY is not: each request would be redirected without end."
        to_do = "Set BEHIND_HTTPS_PROXY=true where the proxy in front sets X-Forwarded-Proto (deploy/nginx.conf does)."
        yield Fault("https_loop", message, to_do)
    if settings.DEBUG:
        return
    hosts = {host.strip().lower() for host in settings.ALLOWED_HOSTS}
    if "*" in hosts:
        message = "ALLOWED_HOSTS holds *: whoever calls can make us believe any host name."
        yield Fault("hosts_any", message, "Name the host names by which the service is reached.")
    elif hosts <= _LOCAL:
        message = "ALLOWED_HOSTS names this machine alone: callers from elsewhere get 400."
        yield Fault("hosts_local", message, "Name the host names by which the service is reached.")
