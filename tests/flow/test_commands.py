"""The management commands, as an operator meets them."""

import json
from pathlib import Path

import pytest

from chatsite.settings.registry import SETTINGS
from tests.preloaded import ROOT
from tests.world import manage


def test_config_lists_every_setting_with_its_source(tmp_path: Path) -> None:
    rows = json.loads(manage(tmp_path, "config", "--json"))
    assert {row["name"] for row in rows} == set(SETTINGS)
    data = next(row for row in rows if row["name"] == "CHAT_DATA")
    assert (data["value"], data["source"]) == (str(tmp_path), "environment")
    assert "PORT = 8000  (default)" in manage(tmp_path, "config")


def test_the_readme_names_every_setting() -> None:
    readme = (ROOT / "README.md").read_text()
    assert not [name for name in SETTINGS if f"`{name}`" not in readme]


def test_a_setting_that_does_not_parse_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_ACCESS_TOKEN_SECONDS", "soon")
    with pytest.raises(RuntimeError, match="CHAT_ACCESS_TOKEN_SECONDS='soon' is not a number of seconds"):
        manage(tmp_path, "check")


def test_serve_says_what_to_do_where_tables_are_missing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"Run: manage\.py migrate_all"):
        manage(tmp_path, "serve", "--port", "0")


def test_demo_people_are_made_once_and_only_with_debug(
    tmp_path: Path, template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manage(tmp_path, "migrate_all", "-v", "0")
    manage(tmp_path, "seed_demo")
    before = (tmp_path / "messages.sqlite3").read_bytes()
    manage(tmp_path, "seed_demo")
    assert (tmp_path / "messages.sqlite3").read_bytes() == before
    monkeypatch.setenv("CHAT_DEBUG", "off")
    manage(tmp_path, "seed_demo", "--if-debug")
    with pytest.raises(RuntimeError, match="only where CHAT_DEBUG is on"):
        manage(tmp_path, "seed_demo")


def test_project_names_what_it_does_not_know(template: Path) -> None:
    with pytest.raises(RuntimeError, match="There is no group nobody"):
        manage(template, "project", "--replay", "nobody")
    with pytest.raises(RuntimeError, match="holds no key"):
        manage(template, "project", "--retry", "previews", "x")
    assert manage(template, "project") == "Nothing is held, and nothing was unreadable.\n"
