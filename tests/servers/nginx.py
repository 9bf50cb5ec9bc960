"""nginx with our sample, before a server of a test."""

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.servers.guard import ROOT
from tests.servers.node import Node
from tests.servers.ports import free_port, listens
from tests.servers.programs import on_path, require_program

SAMPLE = ROOT / "docker" / "nginx.conf"
NAME = "chat.example.org"
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Nginx(Node):
    """One nginx that ends TLS for a server; its sample is changed in nothing but addresses and folders."""

    name = "nginx"

    def __init__(self, server: int) -> None:
        super().__init__(port=free_port())
        self.plain_port = free_port()
        self._server = server

    def prepare(self) -> None:
        """Write the sample with this node's addresses, and a certificate."""
        own = "access_log off;" + "".join(f" {kind}_temp_path {self.folder}/{kind};" for kind in TEMPORARY)
        changes = {
            "http {": f"http {{ {own}",
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "listen 443 ": f"listen 127.0.0.1:{self.port} ",
            "server 127.0.0.1:8000;": f"server 127.0.0.1:{self._server};",
            "server 127.0.0.1:8001;": "",
            "/etc/ssl/chat/": f"{self.folder}/",
        }
        text = SAMPLE.read_text()
        for old, new in changes.items():
            if old not in text:
                raise RuntimeError(f"{SAMPLE} has no {old}")
            text = text.replace(old, new)
        (self.folder / "nginx.conf").write_text(text)
        _write_certificate(self.folder)

    def command(self) -> list[str]:
        """The master in the foreground."""
        program = require_program(on_path("nginx"), package="nginx-light")
        told = f"daemon off; error_log stderr; pid {self.folder}/pid;"
        return [str(program), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), "-g", told]

    def answers(self) -> bool:
        """Whether it takes connections."""
        return listens(self.host, self.port)


def _write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(
        issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=x509.random_serial_number(),
        not_valid_before=now - day, not_valid_after=now + day,
    )  # fmt: skip
    certificate = builder.sign(key, hashes.SHA256())
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *plain))
