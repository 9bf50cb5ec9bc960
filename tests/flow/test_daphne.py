"""The same promises on daphne, a server that knows nothing of prepared frames."""

from collections.abc import Callable

import pytest

from tests.world import Server, World

TEXTS = [f"line {number}" for number in range(50)]


@pytest.fixture
def make_daphne(make_server: Callable[..., Server]) -> Callable[[], Server]:
    """Makes a server that runs on daphne."""
    return lambda: make_server(module="tests.on_daphne")


async def test_a_chat_on_daphne_misses_nothing(make_daphne: Callable[[], Server]) -> None:
    async with World(make_daphne()) as world:
        chat = await world.chat(["ada", "ben"])
        async with world.connect("ada", chat) as ada, world.connect("ben", chat) as ben:
            for text in TEXTS:
                assert (await ada.say(chat, text)).body["type"] == "ACK"
            await ben.heard_until(chat, lambda heard: len(heard) >= len(TEXTS))
            await ben.cut()
            await ada.say(chat, "meanwhile")
            await ben.resume()
            await ben.heard_until(chat, lambda heard: len(heard) > len(TEXTS))
            assert [one["content"] for one in ben.heard[chat]] == [*TEXTS, "meanwhile"]
            assert (await ben.ask("NONSENSE")).code == "unknown_type"
