"""Presence for other services, by gRPC: where it listens, and what of that is refused. Nothing here needs grpcio."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from django.conf import settings
from django.utils.module_loading import import_string

from chatsite.kernel.addresses import clean_address, is_in, networks

PACKAGES = ("grpc", "grpc_health", "grpc_reflection")
LOOPBACK = networks(["127.0.0.0/8", "::1/128"])
_INSTALL = (
    ".venv/bin/pip install --require-hashes -r requirements/grpc.txt; where `make` found uv there is no pip in .venv:"
    " uv pip install -p .venv/bin/python --require-hashes -r requirements/grpc.txt"
)


class Listening(NamedTuple):
    """What the settings say; files are PEM, and empty where there is none."""

    host: str
    port: int  # 0 takes a free one
    callers: list[str]
    certificate: str
    key: str
    client_ca: str


class Fault(NamedTuple):
    """What is wrong with them, and the fix; what could only be stronger is no error."""

    what: str
    fix: str
    is_error: bool = True


class Server(Protocol):
    """What answers other services."""

    async def open(self) -> str:
        """Listen; answers where, as grpc://host:port. OSError where that cannot be."""

    async def run(self) -> None:
        """Answer until cancelled, then let those go who are connected."""


def listening() -> Listening | None:
    """Where to listen, None where no port is set."""
    chosen = {name.lower(): value for name, value in settings.PRESENCE_GRPC.items()}
    return Listening(**chosen) if chosen["port"] != "" else None


def new_server(at: Listening) -> Server:
    """The server, whose packages not everybody has installed."""
    return cast(Server, import_string("presence.rpc.server.GrpcServer")(at))


def faults(at: Listening) -> Iterator[Fault]:
    """Why it must not listen so."""
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        yield Fault(f"CHAT_PRESENCE_GRPC_PORT is set, but not installed: {', '.join(missing)}.", _INSTALL)
    if not at.callers and not at.client_ca:
        what = "Whoever reaches CHAT_PRESENCE_GRPC_PORT could ask who is there, and say that somebody is."
        fix = "Set CHAT_PRESENCE_GRPC_TOKENS, or CHAT_PRESENCE_GRPC_CLIENT_CA with a certificate and its key."
        yield Fault(what, fix)
    if bool(at.certificate) != bool(at.key) or (at.client_ca and not at.certificate):
        what = "TLS of CHAT_PRESENCE_GRPC_PORT lacks a part."
        yield Fault(what, "Set CHAT_PRESENCE_GRPC_CERTIFICATE and CHAT_PRESENCE_GRPC_KEY, or none of them.")
    for path in filter(None, (at.certificate, at.key, at.client_ca)):
        if not Path(path).is_file():
            yield Fault(f"There is no file {path}.", "Mend the CHAT_PRESENCE_GRPC_* setting that names it.")
    if not at.certificate and not _is_loopback(at.host):
        what = f"Tokens and presence cross the network unencrypted: CHAT_PRESENCE_GRPC_HOST is {at.host}."
        fix = "Set CHAT_PRESENCE_GRPC_CERTIFICATE and CHAT_PRESENCE_GRPC_KEY, unless nobody else is in that network."
        yield Fault(what, fix, is_error=False)


def _is_loopback(host: str) -> bool:
    return host == "localhost" or is_in(clean_address(host.strip("[]")), LOOPBACK)
