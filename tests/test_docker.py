"""The files for containers and proxies, as far as they can be held without Docker."""

import fnmatch
import json
import re
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from celery.app.utils import find_app
from compose_spec import PyCompose
from django.conf import settings
from django.core.management import get_commands, load_command_class

from chatsite.management.commands.serve import KEEP_ALIVE_SECONDS
from chatsite.settings.registry import SETTINGS
from tests.test_architecture import ROOT

DOCKER = ROOT / "docker"
PROFILES = ("standard", "cluster")
PROCESSES = ("migrate", "web", "groups", "worker", "beat")
COMPOSE = (DOCKER / "compose.yml").read_text()
SAMPLE = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', (DOCKER / "env.sample").read_text(), re.MULTILINE))
VARIABLE = re.compile(r"\$\{(\w+)(?::([?-])([^}]*))?\}")


def expanded(environment: Mapping[str, str]) -> dict[str, Any]:
    """The compose file as Docker reads it under these variables."""

    def value(match: re.Match[str]) -> str:
        name, kind, default = match.groups()
        found = environment.get(name, "")
        assert found or kind == "-", f"{name} has no value"
        return found or default

    text = "\n".join(line.partition(" #")[0] for line in COMPOSE.splitlines() if not line.startswith("#"))
    made: dict[str, Any] = yaml.safe_load(VARIABLE.sub(value, text))
    return made


@pytest.fixture(params=PROFILES)
def compose(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The compose file of each profile, with the sample filled in."""
    filled = {name: value or "s3cret" for name, value in SAMPLE.items()}
    return expanded(filled | {"COMPOSE_PROFILES": request.param})


def test_the_compose_file_is_one(compose: dict[str, Any]) -> None:
    services = {name: body for name, body in compose.items() if not name.startswith("x-")}
    checked = PyCompose.from_json(json.dumps(services))
    checked.validate()
    assert set(PROCESSES) < set(checked.service_names())


def test_servers_wait_longer_for_a_request_than_the_proxy_does() -> None:
    kept = re.search(r"keepalive (\d+)s", (DOCKER / "Caddyfile").read_text())
    assert kept is not None
    assert int(kept[1]) < KEEP_ALIVE_SECONDS


def test_the_sample_names_what_the_compose_file_asks_for() -> None:
    assert {match[1] for match in VARIABLE.finditer(COMPOSE) if match[2] != "-"} <= set(SAMPLE)


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_is_given_settings_that_there_are(compose: dict[str, Any], name: str) -> None:
    given = {key: str(value) for key, value in compose["services"][name]["environment"].items()}
    assert set(given) <= set(SETTINGS)
    for key in given:
        SETTINGS[key].read(given)


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_runs_a_command_that_there_is(compose: dict[str, Any], name: str) -> None:
    match compose["services"][name]["command"]:
        case ["python", "manage.py", command, *arguments]:
            parser = load_command_class(get_commands()[command], command).create_parser("manage.py", command)
            parser.parse_args(arguments)
        case ["celery", "-A", package, part, *_]:
            assert find_app(package).main == package
            assert part in ("worker", "beat")
        case other:
            pytest.fail(f"{other} is no command of ours")


def test_only_the_proxy_is_reached_from_outside(compose: dict[str, Any]) -> None:
    assert [name for name, service in compose["services"].items() if service.get("ports")] == ["proxy"]
    front = {name for name, service in compose["services"].items() if "front" in service["networks"]}
    assert front == {"proxy", "web"}
    subnet = compose["networks"]["front"]["ipam"]["config"][0]["subnet"]
    assert compose["services"]["web"]["environment"]["CHAT_TRUSTED_PROXIES"] == subnet


def test_processes_have_no_more_rights_than_they_need(compose: dict[str, Any]) -> None:
    for name in PROCESSES:
        service = compose["services"][name]
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert not service.get("privileged")


def test_redis_refuses_what_it_cannot_keep(compose: dict[str, Any]) -> None:
    command = " ".join(compose["services"]["redis"]["command"])
    for words in ("--maxmemory-policy noeviction", "--appendonly yes", "--appendfsync everysec"):
        assert words in command


def test_a_server_of_the_cluster_starts_in_the_cluster_only(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert {name for name, service in services.items() if service["profiles"] == ["cluster"]} == {"kafka", "scylla"}
    for name in PROCESSES:
        waits = services[name]["depends_on"]
        assert all(waits[server].get("required") is False for server in ("kafka", "scylla") if server in waits)


def test_the_image_is_made_of_what_there_is() -> None:
    lets_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = re.findall(r"^COPY (?!--)(\S+)", (DOCKER / "Dockerfile").read_text(), re.MULTILINE)
    for profile in PROFILES:
        for path in copied:
            real = Path(path.replace("${SHAPE}", profile))
            assert (ROOT / real).exists()
            assert any(fnmatch.fnmatch(real.parts[0], pattern) for pattern in lets_in)


def test_the_image_holds_every_app() -> None:
    ours = {app.split(".")[0] for app in settings.INSTALLED_APPS if (ROOT / app.split(".")[0]).is_dir()}
    assert ours <= set(re.findall(r"^COPY (?!--)(\S+)", (DOCKER / "Dockerfile").read_text(), re.MULTILINE))


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sysconfig.get_path("scripts")) / "hadolint"
    done = subprocess.run([hadolint, "--no-color", DOCKER / "Dockerfile"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
