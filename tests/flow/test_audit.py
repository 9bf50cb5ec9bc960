"""What people do stands in the audit log of their server."""

import sqlite3
from collections.abc import Callable

from tests.world import Server, World, manage

MakeServer = Callable[..., Server]


def kinds(server: Server, subject: str) -> list[str]:
    """The kinds of the entries about a subject, in order."""
    with sqlite3.connect(server.folder / "site.sqlite3") as database:
        rows = database.execute("SELECT kind FROM audit_log WHERE subject = ? ORDER BY number", [subject])
        return [kind for (kind,) in rows]


async def test_signing_in_and_out_is_kept_and_a_change_is_found(make_server: MakeServer) -> None:
    server = make_server()
    async with World(server) as world:
        await world.rest(None, "POST", "/api/auth/token", {"username": "ada", "password": "wrong"})
        await world.rest(None, "POST", "/api/auth/token", {"username": "nobody", "password": "my secret"})
        ada = await world.id("ada")
        await world.rest("ada", "POST", "/api/auth/logout")
    expected = ["accounts.sign_in.failed", "accounts.sign_in", "accounts.sign_out"]
    assert kinds(server, f"user:{ada}") == expected
    assert kinds(server, "") == ["accounts.sign_in.failed"]
    assert manage(server.folder, "verify_audit") == "The audit log holds: 4 entries.\n"
