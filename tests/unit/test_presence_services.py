"""What other services are told, and by whom they are known. Pure."""

import asyncio

import pytest
from django.core.exceptions import ImproperlyConfigured

from chatsite.settings.registry import SETTINGS
from presence.callers import Caller, Callers, Scope, device_of
from presence.followers import Follower
from presence.policy import Shown, Status

TOKEN, OTHER = "t" * 32, "o" * 64
ENTRIES = [f"crm:read:{TOKEN}", f"phones:read+beat:{OTHER}"]


def shown(version: int, status: Status = Status.ONLINE) -> Shown:
    """What others see at a version."""
    return Shown(status, "", 0, version)


def test_a_caller_is_known_by_its_token_and_no_other() -> None:
    callers = Callers(ENTRIES)
    assert callers.find(TOKEN) == Caller("crm", frozenset({Scope.READ}))
    assert callers.find(OTHER) == Caller("phones", frozenset(Scope))
    assert [callers.find(text) for text in ("", TOKEN[1:], TOKEN + "t", TOKEN.upper(), f"crm:read:{TOKEN}")] == [
        None
    ] * 5
    assert (bool(callers), bool(Callers([]))) == (True, False)


@pytest.mark.parametrize(
    "text",
    [
        "hush",
        f"crm:{TOKEN}",
        f"crm::{TOKEN}",
        f"crm:write:{TOKEN}",
        f"crm:read+:{TOKEN}",
        f":read:{TOKEN}",
        f"c r m:read:{TOKEN}",
        "crm:read:hush",
        f"crm:read:hush {TOKEN}",
        f"crm:read:{TOKEN},crm:beat:{OTHER}",
    ],
)
def test_a_setting_that_names_no_callers_is_refused_without_showing_a_token(text: str) -> None:
    setting = SETTINGS["CHAT_PRESENCE_GRPC_TOKENS"]
    with pytest.raises(ImproperlyConfigured) as refused:
        setting.read({setting.name: text})
    said = str(refused.value)
    assert not [secret for secret in ("hush", TOKEN, OTHER) if secret in said]
    assert setting.read({setting.name: ",".join(ENTRIES)}) == ENTRIES


def test_devices_of_two_callers_are_two() -> None:
    names = [device_of("crm", "a"), device_of("phones", "a"), device_of("crm", "b"), device_of("crm\na", "")]
    assert len(set(names)) == 4
    assert device_of("crm", "a") == names[0]
    assert all(name.isalnum() and len(name) != 16 for name in names)  # Sockets have 16 characters.


async def test_who_reads_slowly_is_told_the_latest_of_each_and_nothing_older() -> None:
    follower = Follower()
    for version in range(1, 10_000):
        follower.tell(f"u{version % 3}", shown(version))
    follower.tell("u0", shown(5))
    news = await follower.take()
    assert news == {"u0": shown(9_999), "u1": shown(9_997), "u2": shown(9_998)}
    follower.tell("u0", shown(9_999))
    waiting = asyncio.create_task(follower.take())
    assert not (await asyncio.wait([waiting], timeout=0))[0]
    follower.tell("u0", shown(10_000, Status.OFFLINE))
    assert await waiting == {"u0": shown(10_000, Status.OFFLINE)}


async def test_at_its_end_a_follower_is_told_what_is_left() -> None:
    follower = Follower()
    follower.tell("u0", shown(1))
    follower.end()
    assert await follower.take() == {"u0": shown(1)}
    assert await follower.take() is None
    assert await follower.take() is None
