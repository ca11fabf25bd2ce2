"""The TLS proxy of `deploy/nginx` in front of a bridge, with certificates of the test's own."""

import os
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import trustme

from tests.integration.bridge.hostile.target import PROXY_SECRET
from tests.integration.bridge.hostile.wire import Reply, Wire, request
from tests.processes import ROOT, free_port
from tests.waiting import wait_until

CONFIG = ROOT / "deploy" / "nginx" / "nginx.conf"
NGINX = which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
HOOKS, FIX = "hooks.example.com", "fix.example.com"
ORGANIZATION, UNIT = "Example", "Services"


def name_of(client: str) -> str:
    """Give the name of a service as nginx tells it."""
    return f"CN={client},OU={UNIT},O={ORGANIZATION}"


@dataclass
class Proxy:
    """A running proxy, and what its clients need to know."""

    port: int
    authority: trustme.CA
    services: trustme.CA
    folder: Path

    def context(self, client: str = "", services: trustme.CA | None = None) -> ssl.SSLContext:
        """Give what a client trusts, and shows: the certificate of a service."""
        made = ssl.create_default_context()
        self.authority.configure_trust(made)
        if client:
            shown = (services or self.services).issue_cert(
                "app.example.com", organization_name=ORGANIZATION, organization_unit_name=UNIT, common_name=client
            )
            shown.configure_cert(made)
        return made

    def say(
        self, *parts: bytes, tls: ssl.SSLContext | None = None, host: str = HOOKS, source: str = "127.0.0.1"
    ) -> Reply:
        """Write to a connection of its own and give the first answer."""
        with Wire(self.port, source, tls or self.context(), host) as wire:
            reply = wire.send(*parts).reply()
            assert reply is not None
            return reply

    def logged(self) -> str:
        """Give all that it has written."""
        return "".join(path.read_text() for path in self.folder.glob("*.log"))


@contextmanager
def proxy_for(bridge_port: int, folder: Path) -> Iterator[Proxy]:
    """Run it as it ships, but for ports, folders and the hour of its end."""
    assert NGINX is not None
    port, authority, services = free_port(), trustme.CA(), trustme.CA()
    server = authority.issue_cert(HOOKS, FIX)
    server.private_key_pem.write_to_path(folder / "server.key")
    for certificate in server.cert_chain_pems:
        certificate.write_to_path(folder / "server.pem", append=True)
    services.cert_pem.write_to_path(folder / "services-ca.pem")
    (folder / "proxy-secret.conf").write_text(f'proxy_set_header X-Proxy-Secret "{PROXY_SECRET}";\n')
    (folder / "nginx.conf").write_text(_placed(CONFIG.read_text(), port, bridge_port, folder))
    who = "user root;" if os.geteuid() == 0 else ""
    command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", f"daemon off; {who}"]
    with (folder / "said.log").open("wb") as said, subprocess.Popen(command, stdout=said, stderr=said) as running:
        made = Proxy(port, authority, services, folder)
        try:
            wait_until(lambda: _answers(made), said=made.logged)
            yield made
        finally:
            running.terminate()
            running.wait(10)


def _placed(text: str, port: int, bridge_port: int, folder: Path) -> str:
    """Put the shipped text into a folder and on ports of its own; each place is there."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"    {kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    for shipped, ours in (
        ("http {\n", f"http {{\n{temporary}"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("127.0.0.1:8080", f"127.0.0.1:{bridge_port}"),
        ("127.0.0.1:8085", f"127.0.0.1:{free_port()}"),
        ("/etc/nginx/txpush/", f"{folder}/"),
        ("/var/log/nginx/", f"{folder}/"),
        ("/run/nginx.pid", f"{folder}/nginx.pid"),
    ):
        assert shipped in text
        text = text.replace(shipped, ours)
    return text


def _answers(proxy: Proxy) -> bool:
    try:
        return proxy.say(request("/")).status == 404
    except OSError:
        return False
