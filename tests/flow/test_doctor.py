"""What `manage.py doctor` tells an operator."""

import json
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.contract.test_checks import CLUSTER, SOUND
from tests.standard import new_installation, proxy_of, through
from tests.world import manage

PATIENCE = 60.0  # seconds of a busy machine, for what waits 3 s for each server at most


def test_it_is_well_where_nothing_is_wrong(template: Path) -> None:
    found = json.loads(manage(template, "doctor", "--json"))
    assert found["is_well"] is True
    assert found["shape"] == "embedded"
    assert found["servers"]["log"]["server"].startswith("SQLite 3")
    assert {group["name"]: group["behind"] for group in found["groups"]}["history-writers"] == 0


def test_what_was_held_or_given_up_is_named_with_its_command(template: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(template, tmp_path / "data"))
    with closing(sqlite3.connect(folder / "site.sqlite3", isolation_level=None)) as site:
        site.execute(
            "INSERT INTO log_held_keys (group_name, record_key, partition, log_offset, pos, error, held_at, retry)"
            " VALUES ('previews', 'k1', 0, 7, 7, 'ValueError: bad', '2026-01-01 00:00:00', 0)"
        )
        site.execute(
            "INSERT INTO chores (kind, key, payload, due_at, tries, error, given_up_at, generation) VALUES"
            " ('mail.invite', 'i1', '{}', '2026-01-01 00:00:00', 10, 'no such host', '2026-01-01 00:00:00', 0)"
        )
    with pytest.raises(RuntimeError) as told:
        manage(folder, "doctor")
    said = str(told.value)
    assert "WRONG     previews holds k1: ValueError: bad" in said
    assert "manage.py project --retry previews k1" in said
    assert "manage.py chores --retry mail.invite i1" in said


def test_each_server_that_is_away_is_named_with_what_brings_it_back(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError) as told:
        manage(tmp_path, "doctor", environment=CLUSTER | SOUND | {"SCYLLA_PORT": "1", "CHAT_DEBUG": "on"})
    said = str(told.value)
    for name in ("database", "log", "store", "stream"):
        assert f"{name:9} does not answer" in said
    for fix in ("mend CHAT_DATABASE_URL", "mend CHAT_REDIS_URL", "mend CHAT_KAFKA_SERVERS", "SCYLLA_CONTACT_POINTS"):
        assert fix in said
    assert "Set CHAT_DEBUG=off." in said
    assert "hush" not in said


def test_a_server_that_hangs_keeps_nobody_waiting(tmp_path: Path) -> None:
    with new_installation() as environment, proxy_of(environment["CHAT_REDIS_URL"]) as redis:
        manage(tmp_path, "migrate_all", "-v", "0", environment=environment)
        redis.stall()
        began = time.monotonic()
        with pytest.raises(RuntimeError) as told:
            hung = {"CHAT_REDIS_URL": through(redis, environment["CHAT_REDIS_URL"])}
            manage(tmp_path, "doctor", environment=environment | hung)
        said = str(told.value)
        assert time.monotonic() - began < PATIENCE
        assert "stream    does not answer" in said
        assert "role: primary" in said


def test_a_mail_server_that_is_away_is_named_and_none_is_a_weakness(template: Path) -> None:
    weak = json.loads(manage(template, "doctor", "--json", environment={"CHAT_MAIL_DIGEST": "on"}))
    fixes = {finding["fix"] for finding in weak["findings"]}
    assert {"name a mail server in CHAT_SMTP_HOST", "name the public address in CHAT_URL"} <= fixes
    assert weak["is_well"] is True
    away = {"CHAT_SMTP_HOST": "127.0.0.1", "CHAT_SMTP_PORT": "1", "CHAT_SMTP_SECURITY": "none"}
    with pytest.raises(RuntimeError, match="start the mail server, or mend CHAT_SMTP_HOST"):
        manage(template, "doctor", environment=away)
