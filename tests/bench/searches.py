"""Says 200,000 messages in 100 chats, searches them, and prints what it took as JSON."""

import asyncio
import sys
import time
import uuid
from itertools import cycle, islice
from statistics import median

import msgspec

from chat.indexes import Entry, index
from chat.search import Query, parse
from chatsite.kernel.ids import ChatId, UserId, make_id
from chatsite.settings.registry import ROOT
from tests.bench.search import RUNS, SEARCHES, Searched

MESSAGES = 200_000
CHATS, MINE = 100, 10  # who searches is in ten of a hundred
LIMIT = 21
BATCH = 2_000
WORKER = 960  # of imports
RARE, GONE = "quetzalcoatlus", "unsaid"
RARE_EACH = 20_000  # messages, of which one says it in a chat of whoever searches
ASKED = {
    "rare": RARE,
    "common": "the",
    "common, oldest page": "the",
    "two common": "the to",
    "common without another": "the -to",
    "begins so": "th*",
    "phrase": '"in the"',
    "never said": GONE,
    "rare in one chat": RARE,
}
_TEXTS = ROOT / "tests" / "data" / "irc" / "2009-10-01_17.log"


def _entries(chats: list[ChatId], people: list[UserId]) -> list[Entry]:
    texts = cycle(text.split("> ", 1)[-1] for text in _TEXTS.read_text().splitlines())
    return [
        Entry(
            chats[number % CHATS],
            make_id(number * 1_000, WORKER, 1),
            number + 1,
            people[number % len(people)],
            f"{text} {RARE}" if number % RARE_EACH == 0 else text,
        )
        for number, text in enumerate(islice(texts, MESSAGES))
    ]


async def _measure(chats: list[ChatId]) -> dict[str, float]:
    """The median of each search in ms."""
    taken = {}
    for name, words in ASKED.items():
        asked = parse(words)
        query = Query(tuple(asked.phrases), tuple(asked.not_phrases))
        mine = chats[:1] if name.endswith("one chat") else chats[:: CHATS // MINE]
        below = make_id(MESSAGES * 20, WORKER, 0) if "oldest" in name else make_id(MESSAGES * 1_000, WORKER, 0)
        times = []
        for _ in range(SEARCHES):
            began = time.perf_counter()
            hits = await index().find(query, mine, below=below, limit=LIMIT)
            times.append(time.perf_counter() - began)
        if (words == GONE) is bool(hits):
            raise RuntimeError(f"{words!r} was found {len(hits)} times")
        taken[name] = median(times) * 1e3
    return taken


async def _work() -> Searched:
    chats = [ChatId(uuid.uuid4()) for _ in range(CHATS)]
    entries = _entries(chats, [UserId(uuid.uuid4()) for _ in range(100)])
    began = time.process_time()
    for start in range(0, MESSAGES, BATCH):
        await index().put(entries[start : start + BATCH])
    cpu = time.process_time() - began
    runs = [await _measure(chats) for _ in range(RUNS)]
    return Searched(runs, cpu / MESSAGES * 1e6)


def main() -> None:
    """Fill the index and search it."""
    sys.stdout.write(msgspec.json.encode(asyncio.run(_work())).decode())


if __name__ == "__main__":
    main()
