"""What people say of themselves."""

from typing import Any

import pytest

from tests.world import PASSWORD, World


async def test_a_profile_is_changed_field_by_field(world: World) -> None:
    before = (await world.rest("eve", "GET", "/api/me")).body
    answer = await world.rest(
        "eve", "PATCH", "/api/me", {"name": "  Eve\u202e Ebony\u0007 ", "avatar": "https://example.org/eve.png"}
    )
    assert answer.status == 200
    assert answer.body == before | {"name": "Eve Ebony", "avatar": "https://example.org/eve.png"}
    shown = (await world.rest("ada", "GET", f"/api/users/{before['id']}")).body
    assert (shown["name"], shown["avatar"]) == ("Eve Ebony", "https://example.org/eve.png")
    cleared = await world.rest(
        "eve", "PATCH", "/api/me", {"avatar": None, "email": "Eve@Example.org", "password": PASSWORD}
    )
    assert (cleared.body["avatar"], cleared.body["email"]) == (None, "eve@example.org")
    assert (await world.rest("eve", "PATCH", "/api/me", {"email": None, "password": PASSWORD, "unknown": 1})).body[
        "email"
    ] == ""


async def test_preferences_of_two_devices_do_not_undo_each_other(world: World) -> None:
    await world.rest("eve", "PATCH", "/api/me", {"preferences": {"theme": "dark", "sound": {"on": True}}})
    await world.rest("eve", "PATCH", "/api/me", {"preferences": {"density": 2}})
    answer = await world.rest("eve", "PATCH", "/api/me", {"preferences": {"theme": None}})
    assert answer.body["preferences"] == {"sound": {"on": True}, "density": 2}
    assert (await world.rest("eve", "GET", "/api/me")).body["preferences"] == answer.body["preferences"]


def deep(levels: int) -> Any:
    """A list in a list in a list."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": None},
        {"name": " \u200e\u202e "},
        {"name": "x" * 101},
        {"name": 7},
        {"avatar": "javascript:alert(1)"},
        {"avatar": "https://example.org/" + "x" * 200},
        {"avatar": 'https://example.org/"><script> '},
        {"email": "nobody", "password": PASSWORD},
        {"email": "a@b\r\nBcc: c@d", "password": PASSWORD},
        {"email": "a@b,c@d", "password": PASSWORD},
        {"preferences": []},
        {"preferences": {"": 1}},
        {"preferences": {"a": "x" * 9_000}},
        {"preferences": {f"n{number}": 1 for number in range(101)}},
        {"preferences": {"a": deep(5)}},
        {"preferences": {"a": deep(900)}},
    ],
    ids=lambda body: repr(body)[:40],
)
async def test_a_bad_profile_is_refused_and_changes_nothing(world: World, body: dict[str, Any]) -> None:
    before = (await world.rest("dan", "GET", "/api/me")).body
    answer = await world.rest("dan", "PATCH", "/api/me", body)
    assert (answer.code, answer.body["errors"][0]["field"]) == ("invalid_field", next(iter(body)))
    assert (await world.rest("dan", "GET", "/api/me")).body == before
