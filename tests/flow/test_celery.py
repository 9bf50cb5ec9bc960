"""Chores in Celery: a worker does them, is nudged or told by beat, and does not run without what it needs."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import redis

from tests.installations import environment_of
from tests.preloaded import ROOT
from tests.servers.patience import wait_until
from tests.servers.ports import free_port
from tests.world import manage

STOP_SECONDS = 60.0  # of a busy machine


@contextmanager
def celery(role: str, folder: Path, installation: dict[str, str]) -> Iterator[None]:
    """A worker or beat; it ends as an operator ends it, and in order."""
    command = [sys.executable, "-m", "celery", "-A", "chatsite", role]
    with (folder / f"{role}.log").open("a") as log:
        environment = environment_of(folder) | installation
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        yield
        process.terminate()
        assert process.wait(STOP_SECONDS) == 0
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in (folder / f"{role}.log").read_text()


def invite(address: str, folder: Path, installation: dict[str, str]) -> None:
    """Leave a chore: a mail to somebody."""
    manage(folder, "invite_person", address, "--company", "Ours", environment=installation)


def mailed(address: str, folder: Path) -> None:
    """Wait until somebody has their mail."""

    def has_come() -> bool:
        return any(f"To: {address}" in mail.read_text() for mail in (folder / "mail").glob("*.log"))

    wait_until(has_come, seconds=60, story=f"{address} has a mail")


def listens(installation: dict[str, str]) -> bool:
    """Whether a worker waits for tasks."""
    url = installation["CHAT_REDIS_URL"]
    with redis.Redis.from_url(url) as broker:
        return any(one["cmd"] == "brpop" and url.endswith(f"/{one['db']}") for one in broker.client_list())


def held_numbers(installation: dict[str, str]) -> int:
    """How many worker numbers are leased now."""
    with psycopg.connect(installation["CHAT_DATABASE_URL"]) as connection:
        found = connection.execute("SELECT count(*) FROM worker_leases WHERE expires_at > now()").fetchone()
    assert found is not None
    return int(found[0])


def test_a_worker_does_what_it_is_nudged_to_and_what_beat_finds(installation: dict[str, str], folder: Path) -> None:
    manage(folder, module="tests.people", environment=installation)
    with celery("worker", folder, installation):
        wait_until(lambda: listens(installation), seconds=60, story="the worker listens")  # A nudge lives 5 s.
        invite("nudged@example.com", folder, installation)
        mailed("nudged@example.com", folder)
        assert held_numbers(installation) == 1
        lost = {"CHAT_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
        invite("found@example.com", folder, installation | lost)
        with celery("beat", folder, installation):
            mailed("found@example.com", folder)
    assert held_numbers(installation) == 0


@pytest.mark.parametrize("is_away", [True, False])
def test_a_worker_ends_where_it_cannot_start(installation: dict[str, str], tmp_path: Path, *, is_away: bool) -> None:
    wrong = {"CHAT_DATABASE_URL": f"postgresql://chat@127.0.0.1:{free_port()}/chat"} if is_away else {}
    done = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "chatsite", "worker"],
        cwd=ROOT, env=environment_of(tmp_path) | installation | wrong, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("The worker does not start: ")]
    assert ("couldn't get a connection" if is_away else "Run: manage.py migrate_all") in said
