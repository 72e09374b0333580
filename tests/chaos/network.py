"""A network of the run's own, with one worker at the end of two links: one leads to the database and can be cut, one to the rest.

Everything is in network namespaces (see `ip-netns(8)`): the run's, which has nothing but loopback and these links, and inside it
the worker's. So nothing leaves them, nothing on the machine changes, and all is gone with the run. A loopback or a Unix socket
could not be cut; these are TCP connections over a veth pair, which goes down as a cable is pulled: no FIN, no RST, only silence.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_MARK = "CHAOS_NETWORK"
DATABASE_AT, WORKER_AT = "10.77.1.1", "10.77.1.2"
SANDBOX_AT, _WORKER_TOO = "10.77.2.1", "10.77.2.2"
_DATABASE_LINK, _SANDBOX_LINK = "todb", "towix"


def what_is_missing() -> str:
    """Why there can be no network of our own here; empty if there can."""
    if sys.platform != "linux":
        return "network namespaces are Linux's"
    if absent := [name for name in ("unshare", "nsenter", "ip") if not shutil.which(name)]:
        return f"{', '.join(absent)} not found: install util-linux and iproute2"
    trial = subprocess.run(
        [*_unshare(), "ip", "link", "add", "name", "trial", "type", "veth"], capture_output=True, text=True
    )
    if trial.returncode:
        return f"network namespaces with veth can't be made here (root, or user namespaces, are needed): {trial.stderr}"
    return ""


def move_in(module: str) -> None:
    """Become the same program in a new network namespace, unless that has happened already."""
    if _MARK not in os.environ:
        # No proxy of the machine's can be reached from inside.
        environment = {**os.environ, _MARK: "own", "NO_PROXY": "*", "no_proxy": "*"}
        command = [*_unshare(), sys.executable, "-m", module, *sys.argv[1:]]
        os.execvpe(command[0], command, environment)
    _ip("link", "set", "lo", "up")


def _unshare() -> list[str]:
    # As an ordinary user: the same user inside, who may arrange this network and nothing else. (PostgreSQL refuses to run as root.)
    as_user = [] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
    return ["unshare", *as_user, "--net", "--"]


@dataclass(frozen=True, slots=True)
class Cable:
    """Between one worker and the database."""

    prefix: tuple[str, ...]

    def cut(self) -> None:
        _ip("link", "set", _DATABASE_LINK, "down")

    def mend(self) -> None:
        _ip("link", "set", _DATABASE_LINK, "up")

    def try_to_connect(self, port: int) -> subprocess.Popen[bytes]:
        """From the worker's side; its exit code is 0 if it could."""
        program = f"import socket; socket.create_connection(({DATABASE_AT!r}, {port}), timeout=2)"
        return subprocess.Popen([*self.prefix, sys.executable, "-c", program], stderr=subprocess.DEVNULL)


@contextmanager
def cable() -> Iterator[Cable]:
    """Both links, with the worker's end in a namespace that lives as long as this context."""
    holder = subprocess.Popen(
        ["unshare", "--net", "--", "sh", "-c", "echo ready; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout
        assert holder.stdout.readline() == b"ready\n"
        prefix = ("nsenter", f"--net=/proc/{holder.pid}/ns/net", "--")
        _run(*prefix, "ip", "link", "set", "lo", "up")
        _lay(_DATABASE_LINK, DATABASE_AT, WORKER_AT, holder.pid, prefix)
        _lay(_SANDBOX_LINK, SANDBOX_AT, _WORKER_TOO, holder.pid, prefix)
        yield Cable(prefix)
    finally:
        holder.communicate()  # the end of its input ends it, and our own end does so too


def _lay(name: str, here: str, there: str, namespace: int, prefix: tuple[str, ...]) -> None:
    _ip("link", "add", "name", name, "type", "veth", "peer", "name", f"{name}-far")
    _ip("link", "set", f"{name}-far", "netns", str(namespace))
    for prepare, link, address in (((), name, here), (prefix, f"{name}-far", there)):
        _run(*prepare, "ip", "addr", "add", f"{address}/30", "dev", link)
        _run(*prepare, "ip", "link", "set", link, "up")


def _ip(*arguments: str) -> None:
    _run("ip", *arguments)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
