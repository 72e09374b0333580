"""A bare Debian, with systemd as its first process and a network of its own: what docs/deployment.md begins with.

In namespaces, so it starts in seconds, and nothing that is installed, started or changed in it reaches the machine outside, whose
kernel is only told to forward packets, and stays so: others may rely on it by then. Needs root, debootstrap, and a Debian outside
whose package archive it uses.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_BASES = Path(__file__).resolve().parents[2] / ".local" / "bare-debian"
# What any server has from its installation on.
_INSTALLED = "systemd-sysv,dbus,ca-certificates,iproute2"
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_START_SECONDS = 60

# Runs as the first process of new namespaces, and becomes systemd.
_BOOT = r"""
set -e
base=$1 written=$2; mkdir -p "$written/work" "$written/root"
mount -t overlay overlay -o "lowerdir=$base,upperdir=$written/upper,workdir=$written/work" "$written/root"
cd "$written/root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t tmpfs tmpfs run; mount -t tmpfs tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do touch dev/$device; mount --bind /dev/$device dev/$device; done
mkdir dev/pts dev/shm; mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts; mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount -t cgroup2 cgroup2 sys/fs/cgroup
else
    mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
    mkdir sys/fs/cgroup/unified sys/fs/cgroup/systemd
    mount -t cgroup2 cgroup2 sys/fs/cgroup/unified
    mount -t cgroup -o none,name=systemd systemd sys/fs/cgroup/systemd
    for controller in memory pids; do
        mkdir sys/fs/cgroup/$controller
        mount -t cgroup -o $controller $controller sys/fs/cgroup/$controller
    done
fi
mkdir -p .outside; pivot_root . .outside; cd /; umount -l /.outside
exec env -i container=bare PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
"""


def what_is_missing() -> str:
    """Why there can be no bare Debian here; empty if there can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "it takes root on Linux"
    if absent := [name for name in ("debootstrap", "unshare", "nsenter", "ip", "iptables") if not shutil.which(name)]:
        return f"{', '.join(absent)} not found: apt-get install debootstrap util-linux iproute2 iptables"
    return "" if _archive() else "apt names no archive of Debian's"


class Machine:
    def __init__(self, first_process: int) -> None:
        self.first_process = first_process
        self.root = Path(f"/proc/{first_process}/root")

    def command(self, *words: str) -> list[str]:
        """What runs these words inside, with nothing of our environment but what reaches package indexes."""
        reach = [f"{name}={value}" for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_CERT"))]
        login = ["HOME=/root", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"]
        enter = ["nsenter", f"--target={self.first_process}", "--all", "--root"]
        return [*enter, "env", "-i", "--chdir=/root", *login, *reach, *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*words), capture_output=True, text=True)

    def is_up(self) -> bool:
        return self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")


@contextmanager
def running() -> Iterator[Machine]:
    """Start one that nobody has touched; gone with this context."""
    with ExitStack() as stack:
        written = _BASES / str(os.getpid())
        stack.callback(subprocess.run, ["rm", "-rf", str(written)])
        _reach_what_we_reach(written / "upper")
        unshare = ["unshare", "--pid", "--mount", "--uts", "--ipc", "--cgroup", "--net", "--fork", "--kill-child"]
        outer = subprocess.Popen(
            [*unshare, "--propagation=private", "bash", "-c", _BOOT, "boot", str(_base()), str(written)],
            stdin=subprocess.DEVNULL,
        )
        stack.callback(_end, outer)
        machine = Machine(_child_of(outer.pid))
        stack.enter_context(_network(machine))
        _until(machine.is_up)
        yield machine


def _base() -> Path:
    """Make it where it isn't there yet; takes a minute."""
    codename = _os_release()["VERSION_CODENAME"]
    made = _BASES / codename
    if not made.exists():
        _BASES.mkdir(parents=True, exist_ok=True)
        half_made = made.with_suffix(".new")
        shutil.rmtree(half_made, ignore_errors=True)
        command = ["debootstrap", "--variant=minbase", f"--include={_INSTALLED}", codename, str(half_made), _archive()]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise SystemExit(f"debootstrap failed:\n{done.stdout[-2000:]}")
        half_made.rename(made)
    return made


def _archive() -> str:
    """The address of Debian's packages that this machine uses."""
    codename = _os_release().get("VERSION_CODENAME", "")
    wanted = ["--format", "$(REPO_URI)", "Identifier: Packages", f"Codename: {codename}", "Component: main"]
    try:
        found = subprocess.run(["apt-get", "indextargets", *wanted], capture_output=True, text=True).stdout.split()
    except FileNotFoundError:
        return ""
    return next((address for address in found if address.rstrip("/").endswith("/debian")), "")


def _os_release() -> dict[str, str]:
    with suppress(FileNotFoundError):
        lines = Path("/etc/os-release").read_text().splitlines()
        return {name: value.strip('"') for name, _, value in (line.partition("=") for line in lines)}
    return {}


def _reach_what_we_reach(root: Path) -> None:
    """Names, certificates and pip's index, as this machine has them."""
    for path in ("/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf"):
        if Path(path).exists():
            (root / path[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, root / path[1:])
    (root / "etc/hostname").write_text("bare\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost bare\n::1 localhost\n")


@contextmanager
def _network(machine: Machine) -> Iterator[None]:
    """A cable from it to us, and the way on from here."""
    number = os.getpid() % 250
    near, far, cable = f"10.79.{number}.1", f"10.79.{number}.2", f"bare{os.getpid()}"
    inside = ["nsenter", f"--target={machine.first_process}", "--net", "ip"]
    rules = [
        ["POSTROUTING", "-t", "nat", "-s", f"{far}/32", "-j", "MASQUERADE"],
        ["FORWARD", "-i", cable, "-j", "ACCEPT"],
        ["FORWARD", "-o", cable, "-j", "ACCEPT"],
    ]
    with ExitStack() as stack:
        peer = ["peer", "name", "eth0", "netns", str(machine.first_process)]
        _run("ip", "link", "add", cable, "type", "veth", *peer)
        for words in (["addr", "add", f"{far}/30", "dev", "eth0"], ["link", "set", "eth0", "up"]):
            _run(*inside, *words)
        _run(*inside, "link", "set", "lo", "up")
        _run("ip", "addr", "add", f"{near}/30", "dev", cable)
        _run("ip", "link", "set", cable, "up")
        _run(*inside, "route", "add", "default", "via", near)
        if _FORWARDING.read_text().strip() == "0":
            _FORWARDING.write_text("1")
        for rule in rules:
            _run("iptables", "-I", *rule)
            stack.callback(_run, "iptables", "-D", *rule)
        yield


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def _child_of(pid: int) -> int:
    """systemd's number out here."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    _until(lambda: bool(children.read_text().split()))
    first = int(children.read_text().split()[0])
    _until(lambda: Path(f"/proc/{first}/comm").read_text().strip() == "systemd")
    return first


def _end(outer: subprocess.Popen[bytes]) -> None:
    """All processes end with the first one, and the mounts with the last."""
    outer.send_signal(signal.SIGKILL)
    outer.wait(30)


def _until(true: object) -> None:
    ends_at = time.monotonic() + _START_SECONDS
    while not true():  # type: ignore[operator]
        if time.monotonic() > ends_at:
            raise SystemExit("The bare Debian did not come up.")
        time.sleep(0.2)
