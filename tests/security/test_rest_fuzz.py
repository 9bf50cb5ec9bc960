"""Requests that nobody thought of: each operation of the OpenAPI document, as schemathesis makes them of it.

Right and wrong ones, at addresses that exist and at others: none may be answered by a
bug of ours, or with a status, type or body that the document does not name.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chatsite.openapi import document
from tests.world import PASSWORD, Server

EACH = 10  # requests of an operation
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# What each of them would end for all that come after it: the sign-in they are made with.
ENDS_IT = {"sign_out", "change_password", "end_session"}


def operations() -> dict[str, Any]:
    """The operations of the document, by id."""
    found = [one.ok() for one in schemathesis.openapi.from_dict(document()).get_all_operations() if isinstance(one, Ok)]
    named = {str(one.definition.raw["operationId"]): one for one in found}
    return {name: one for name, one in named.items() if name not in ENDS_IT}


OPERATIONS = operations()


@pytest.fixture(scope="module")
def target(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Ada, signed in at a server of this file's own that takes as much as comes."""
    server = Server(
        template, tmp_path_factory.mktemp("fuzzed"), environment={"CHAT_LIMITS": "off", "CHAT_MAIL_DIGEST": "on"}
    )
    server.start()
    with httpx.Client(base_url=server.url, timeout=60.0) as ada:
        pair = ada.post("/api/auth/token", json={"username": "ada", "password": PASSWORD}).json()
        ada.headers["Authorization"] = f"Bearer {pair['access']}"
        yield ada
    server.kill()
    assert "Traceback" not in server.log()


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_request_is_answered_as_the_document_says(target: httpx.Client, name: str) -> None:
    operation = OPERATIONS[name]
    users = {one["username"]: one["id"] for one in target.get("/api/users").json()["users"]}
    new = {"chat_type": "group", "name": "A chat", "participants": [users["ben"], users["cyd"]]}
    chat = target.post("/api/chats", json=new).json()["id"]
    message = target.post(f"/api/chats/{chat}/messages", json={"content": "hello"}).json()["id"]
    asked = {"content": "Tea?", "poll": {"options": ["yes", "no"]}}
    poll = target.post(f"/api/chats/{chat}/messages", json=asked).json()["id"]
    known = {"chat_id": chat, "message_id": message, "poll_id": poll, "user_id": users["ben"], "emoji": "👍"}
    wanted = {one.name for one in operation.path_parameters}
    there = {place: value for place, value in known.items() if place in wanted}

    @settings(
        max_examples=EACH,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.one_of(
            *[operation.as_strategy(mode, path_parameters=there) for mode in GenerationMode],
            operation.as_strategy(),
        )
    )
    def ask(case: Any) -> None:
        if name == "events" and isinstance(case.body, dict):
            case.body["wait"] = 0
        case.call_and_validate(
            base_url=str(target.base_url), headers=dict(target.headers), checks=CHECKS, allow_redirects=False
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ask()
