"""Fixtures of stories about staff, and of those in the shape standard."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installations import SHARED
from tests.servers.ports import free_port
from tests.services import CALLERS
from tests.standard import new_installation
from tests.world import Server, manage


@pytest.fixture(scope="session")
def services_port() -> int:
    """Where other services ask who is there."""
    return free_port()


@pytest.fixture(scope="session")
def hasty_server(template: Path, tmp_path_factory: pytest.TempPathFactory, services_port: int) -> Iterator[Server]:
    """The server of stories about presence; where there are several processes, another one answers services."""
    port = {} if SHARED else {"CHAT_PRESENCE_GRPC_PORT": str(services_port)}
    environment = {"CHAT_PRESENCE_GRPC_TOKENS": CALLERS} | port
    server = Server(template, tmp_path_factory.mktemp("hasty"), module="tests.hasty", environment=environment)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def installation() -> Iterator[dict[str, str]]:
    """A new one of the shape standard."""
    with new_installation() as environment:
        yield environment


@pytest.fixture
def folder(tmp_path: Path, installation: dict[str, str]) -> Path:
    """Its data folder, once its tables are made."""
    (folder := tmp_path / "data").mkdir()
    manage(folder, "migrate_all", "-v", "0", environment=installation)
    return folder
