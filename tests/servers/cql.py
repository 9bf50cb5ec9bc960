"""Just enough of CQL's binary protocol to ask a node how it is."""

import socket
import struct
from enum import IntEnum


class Opcode(IntEnum):
    """What a frame is."""

    ERROR = 0
    STARTUP = 1
    READY = 2
    OPTIONS = 5
    SUPPORTED = 6
    QUERY = 7
    RESULT = 8


ALL = 5  # the consistency that every replica must answer for
VERSION = 4


def speaks(host: str, port: int) -> bool:
    """Whether a node says what it supports; it takes connections only once it can serve them."""
    return _exchange(host, port, [(Opcode.OPTIONS, b"")]) == Opcode.SUPPORTED


def reaches_all(host: str, port: int) -> bool:
    """Whether a node can read what all replicas of its cluster hold."""
    text = b"SELECT parent_id FROM system_distributed.parent_repair_history LIMIT 1"
    query = struct.pack(">i", len(text)) + text + struct.pack(">HB", ALL, 0)
    startup = struct.pack(">H", 1) + _string(b"CQL_VERSION") + _string(b"3.0.0")
    return _exchange(host, port, [(Opcode.STARTUP, startup), (Opcode.QUERY, query)]) == Opcode.RESULT


def _string(text: bytes) -> bytes:
    return struct.pack(">H", len(text)) + text


def _exchange(host: str, port: int, frames: list[tuple[Opcode, bytes]]) -> Opcode:
    """Send frames one after the other; answers what came for the last, ERROR where nothing did."""
    answer = Opcode.ERROR
    try:
        with socket.create_connection((host, port), timeout=2) as connection, connection.makefile("rb") as answers:
            for opcode, body in frames:
                connection.sendall(struct.pack(">BBhBi", VERSION, 0, 0, opcode, len(body)) + body)
                _, _, _, answered, size = struct.unpack(">BBhBi", answers.read(9))
                answers.read(size)
                answer = Opcode(answered)
    except (OSError, struct.error, ValueError):
        return Opcode.ERROR
    return answer
