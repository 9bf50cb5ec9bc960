"""Loopback ports that nobody uses."""

import random
import socket

# Below the range that the kernel takes for outgoing connections (32768 and up): while a killed
# server is away, no client can be given its port.
LOWEST, HIGHEST = 12_000, 32_000
TRIES = 200


def free_port(*, hosts: tuple[str, ...] = ("127.0.0.1",)) -> int:
    """A port that is free on each of the addresses."""
    for _ in range(TRIES):
        port = random.randint(LOWEST, HIGHEST)
        if all(_is_free(host, port) for host in hosts):
            return port
    raise OSError(f"No free port on {', '.join(hosts)} in {TRIES} tries.")


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((host, port))
        except OSError:
            return False
        return True


def listens(host: str, port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def ask(host: str, port: int, question: bytes, *, seconds: float = 1.0) -> bytes:
    """The first bytes that a server answers; none where it does not answer."""
    try:
        with socket.create_connection((host, port), timeout=seconds) as connection:
            connection.sendall(question)
            return connection.recv(4096)
    except OSError:
        return b""
