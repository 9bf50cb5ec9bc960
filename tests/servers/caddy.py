"""Caddy with our sample, before a server of a test."""

import os
from collections.abc import Mapping

from tests.servers.guard import ROOT
from tests.servers.node import Node
from tests.servers.ports import free_port, listens
from tests.servers.programs import on_path, require_program

SAMPLE = ROOT / "docker" / "Caddyfile"
UPSTREAM = "dynamic a web 8000"


class Caddy(Node):
    """One Caddy before a server; its sample is changed in the upstream's address alone.

    It serves plain HTTP: for a certificate it would ask the world, or change whom
    this machine trusts.
    """

    name = "caddy"

    def __init__(self, server: int) -> None:
        super().__init__(port=free_port())
        self._server = server

    @property
    def environment(self) -> Mapping[str, str]:
        """The site's name as compose gives it, and a home that is thrown away."""
        home = str(self.folder)
        own = {"CHAT_DOMAIN": f"http://{self.address}", "XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home}
        return os.environ | own

    def prepare(self) -> None:
        """Write the sample with the server's address."""
        text = SAMPLE.read_text()
        if UPSTREAM not in text:
            raise RuntimeError(f"{SAMPLE} has no {UPSTREAM}")
        options = "{\n\tadmin off\n}\n"
        (self.folder / "Caddyfile").write_text(options + text.replace(UPSTREAM, f"dynamic a 127.0.0.1 {self._server}"))

    def command(self) -> list[str]:
        """Caddy in the foreground."""
        program = require_program(on_path("caddy"), package="caddy")
        return [str(program), "run", "--adapter", "caddyfile", "--config", str(self.folder / "Caddyfile")]

    def answers(self) -> bool:
        """Whether it takes connections."""
        return listens(self.host, self.port)
