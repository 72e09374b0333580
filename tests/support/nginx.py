"""The real nginx with deploy/nginx.conf, on loopback, with a certificate of its own."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.support.app import APP_ID, APP_SECRET
from tests.support.threads import wait_until
from tests.support.world import free_port

_DEPLOYED = Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf"
PROGRAM = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
NAME = "blogs.example.com"
# Of loopback, and not the one that nginx takes for the machine itself.
STRANGER = "127.0.0.2"

# Of what stands behind it: as in production.
SETTINGS = {
    "DEBUG": "false",
    # What nginx keeps from strangers, and nothing behind it.
    "OPERATIONS_OPEN": "true",
    "SECRET_KEY": "a-secret-of-these-tests-which-is-long-enough-for-django-to-take",
    "ALLOWED_HOSTS": NAME,
    "HTTPS_ONLY": "true",
    "BEHIND_HTTPS_PROXY": "true",
    "TRUSTED_PROXIES": "127.0.0.1",
    "OPENAI_API_KEY": "key",
    "REPLICATE_API_TOKEN": "token",
    "WIX_APP_ID": APP_ID,
    "WIX_APP_SECRET": APP_SECRET,
}

_AROUND = """
daemon off;
pid {folder}/pid;
error_log {folder}/errors;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/client;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/blogs.conf;
}}
"""


class Nginx:
    def __init__(self, folder: Path, behind: int, directives: Mapping[str, str], *, events: int = 1) -> None:
        """`behind`, `events`: the ports of a web process and of that of live events; nothing listens at port 1."""
        self.folder, self._directives = folder, directives
        self.http, self.https, self.behind, self._events = free_port(), free_port(), behind, events

    def start(self) -> None:
        assert PROGRAM
        _make_certificate(self.folder)
        (self.folder / "blogs.conf").write_text(self._adapted())
        (self.folder / "nginx.conf").write_text(_AROUND.format(folder=self.folder))
        command = [PROGRAM, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]
        tested = subprocess.run([*command, "-t"], capture_output=True, text=True)
        assert "test is successful" in tested.stderr, tested.stderr
        assert "[warn]" not in tested.stderr.replace('"user" directive', "").replace("[warn] the", ""), tested.stderr
        self._process = subprocess.Popen(command)
        wait_until(self._answers)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def connected(self, *, of: str = "127.0.0.1", seconds: float = 20, alpn: str = "http/1.1") -> ssl.SSLSocket:
        """Connect as a browser does, from an address of loopback."""
        context = ssl.create_default_context(cafile=str(self.folder / "blogs.pem"))
        context.set_alpn_protocols([alpn])
        plain = socket.create_connection(("127.0.0.1", self.https), seconds, source_address=(of, 0))
        return context.wrap_socket(plain, server_hostname=NAME)

    def log(self) -> str:
        return (self.folder / "blogs.log").read_text()

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self.folder / "errors").read_text()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.https), 1).close()
            return True
        return False

    def _adapted(self) -> str:
        """The deployed file with this machine's ports and paths, and nothing else."""
        text = "\n".join(line for line in _DEPLOYED.read_text().splitlines() if "listen [::]" not in line)
        for there, here in {
            "listen 80": f"listen 127.0.0.1:{self.http}",
            "listen 443": f"listen 127.0.0.1:{self.https}",
            "server 127.0.0.1:3000": f"server 127.0.0.1:{self.behind}",
            "server 127.0.0.1:3001": f"server 127.0.0.1:{self._events}",
            "/etc/ssl/private/blogs.key": f"{self.folder}/blogs.key",
            "/etc/ssl/blogs.pem": f"{self.folder}/blogs.pem",
            "/var/log/nginx/blogs.log": f"{self.folder}/blogs.log",
        }.items():
            assert there in text, f"{_DEPLOYED} doesn't say {there}"
            text = text.replace(there, here)
        for name, value in self._directives.items():
            text, count = re.subn(rf"\b{name} [^;]+;", f"{name} {value};", text)
            assert count, f"{_DEPLOYED} doesn't set {name}"
        return text


def _make_certificate(folder: Path) -> None:
    command = [
        *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}"),
        *("-addext", f"subjectAltName=DNS:{NAME}", "-keyout", "blogs.key", "-out", "blogs.pem"),
    ]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
