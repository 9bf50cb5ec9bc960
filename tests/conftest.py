"""Fixtures: a server for each test process, and one of its own for tests that kill it."""

import asyncio
import fcntl
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests.installations import SHAPE, SHARED
from tests.no_skips import pytest_make_collect_report, pytest_runtest_makereport
from tests.staff import Staff
from tests.world import PREVIEWING, Server, World, make_template, manage

# Who starts the suite in a shell's background makes it, and each process of its tests, deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is how busy the machine is.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

# What runs in the shapes with servers: the stories that several processes can break. tests/faults kills them there.
TALK = (
    "agreement", "changes", "expiring", "forwards", "history", "markdown", "mentions", "pins", "polls", "reactions",
    "removal", "replay", "talk", "threads",
)  # fmt: skip
CLUSTER = (*TALK, "outgoing", "outside", "search")
STANDARD = (
    *TALK, "acknowledgements", "chat_client", "contract_session", "idempotency", "large_rooms", "long_poll", "outgoing",
    "presence", "presence_grpc", "reads", "rooms", "scheduled", "search", "sessions", "sign_ins",
)  # fmt: skip
FIRST_CHATS = 12  # of eight partitions in the cluster
FIRST_SECONDS = 60.0  # Kafka lets who joins while others meet wait for a session or two
BELONGS = {"standard": STANDARD, "cluster": CLUSTER}
# What else people do with messages. It is Django's alone, whatever the shape, so `make test` plays it in the embedded
# one; `make test-shapes` plays what is left of it in the two others.
FEATURES = (
    "a_day", "acknowledgements", "api_tokens", "bot_commands", "coming_in", "company_chats", "drafts", "flags",
    "folders", "link_previews", "long_poll", "mail_digests", "people", "profile", "push", "reads", "reminders", "rooms",
    "rules", "scheduled", "search", "stars", "telegram_import", "templates", "webhooks",
)  # fmt: skip
if os.environ.get("CHAT_TEST_STORIES") == "features":
    BELONGS = {shape: tuple(story for story in FEATURES if story not in stories) for shape, stories in BELONGS.items()}

__all__ = ["pytest_make_collect_report", "pytest_runtest_makereport"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a shape with servers run what belongs to it, but for the embedded one's own and for rules."""
    chosen = [item for item in items if (_belongs(item) if SHARED else _stem(item) != "outside")]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def pytest_collection_finish(session: pytest.Session) -> None:
    """Fail where tests that share what one process makes would go to several, as they did under pytest 9.2."""
    if not session.config.getoption("loadgroup", False):
        return
    for item in session.items:
        if item.get_closest_marker("xdist_group") and "@" not in item.nodeid:
            raise pytest.UsageError(f"{item.nodeid} is in no group: this pytest and this pytest-xdist disagree.")


def _belongs(item: pytest.Item) -> bool:
    elsewhere = item.get_closest_marker("embedded") or item.get_closest_marker("rules")
    return _stem(item) in BELONGS[SHAPE] and not elsewhere


def _stem(item: pytest.Item) -> str | None:
    """The name of a story's file, as the lists above say it."""
    return item.path.stem.removeprefix("test_") if item.path.parent.name == "flow" else None


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with tables and people; the first process of the tests makes it for all, where it is but files."""
    if SHARED or "PYTEST_XDIST_WORKER" not in os.environ:
        return make_template(tmp_path_factory.mktemp("template"))
    folder = tmp_path_factory.getbasetemp().parent / "template"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            make_template(unfinished := tmp_path_factory.mktemp("template"))
            shutil.copytree(unfinished, folder)
    return folder


@pytest.fixture(scope="session")
def shared_server(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that the tests of one process share; each test makes chats of its own."""
    server = Server(template, tmp_path_factory.mktemp("shared"), environment=PREVIEWING)
    server.start()
    if SHARED:
        asyncio.run(_groups_run(server))
    yield server
    server.stop()


async def _groups_run(server: Server) -> None:
    """Wait until what is said in chats of most partitions is stored: groups of several processes meet for seconds."""
    async with World(server) as world, world.connect("sam") as sam:
        for _ in range(FIRST_CHATS):
            chat = await world.chat(["sam"])
            said = await sam.say(chat, "first")
            path = f"/api/chats/{chat}/messages?at_least={said.body['pos']}"
            await world.until("sam", path, lambda page: page.get("complete"), seconds=FIRST_SECONDS)


@pytest.fixture
async def world(shared_server: Server) -> AsyncIterator[World]:
    """The world of most tests."""
    async with World(shared_server) as world:
        yield world


@pytest.fixture
def make_server(template: Path, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Makes servers that a test may kill; whatever happens, none outlives it."""
    made: list[Server] = []

    def make(**options: Any) -> Server:
        server = Server(template, tmp_path / f"data{len(made)}", **options)
        made.append(server)
        server.start()
        return server

    yield make
    for server in made:
        server.kill()


@pytest.fixture
async def staff(make_server: Callable[..., Server]) -> AsyncIterator[Staff]:
    """Sam, logged in, in a world of his own."""
    async with World(make_server()) as world:
        staff = Staff(world)
        assert "Log out" in await staff.log_in()
        yield staff
        await staff.browser.aclose()
        assert "holds" in manage(world.server.folder, "verify_audit")
