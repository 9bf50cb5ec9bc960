"""Answers that are believed for some seconds: how often they are read, and which is forgotten."""

import pytest

from chatsite.kernel.believed import Believed


async def test_an_answer_is_read_again_when_it_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    now, asked = [100.0], list[str]()
    monkeypatch.setattr("chatsite.kernel.believed.time.monotonic", lambda: now[0])

    async def read(key: str) -> int:
        asked.append(key)
        if key == "none":
            raise LookupError
        return len(asked)

    answers = Believed(read, seconds=5, most=2)
    assert [await answers.get("a"), await answers.get("a")] == [1, 1]
    now[0] = 105.0
    assert await answers.get("a") == 1
    now[0] = 105.1
    assert await answers.get("a") == 2
    for _ in range(2):
        with pytest.raises(LookupError):
            await answers.get("none")
    assert asked == ["a", "a", "none", "none"]
    for key in ("b", "c", "b", "a"):
        await answers.get(key)
    assert asked[4:] == ["b", "c", "a"], "of three the one that was read first is forgotten"
