"""The client in Python plays every script; tests/js/conformance_test.mjs does it with the one in JavaScript."""

import json
from typing import Any

import pytest

from chatsite.gateway.registry import frames
from chatsite.kernel.errors import CODES
from tests.conformance.player import play, scripts

SCRIPTS = scripts()
every_script = pytest.mark.parametrize("script", SCRIPTS, ids=[script["name"] for script in SCRIPTS])


@every_script
def test_the_client_does_what_the_script_says(script: dict[str, Any]) -> None:
    play(script)


@every_script
def test_our_servers_take_what_it_expects_and_refuse_as_it_says(script: dict[str, Any]) -> None:
    for step in script["steps"]:
        if "sends" in step:
            frames.parse(json.dumps(step["sends"]))
        if (frame := step.get("server", {})).get("type") == "ERROR":
            assert CODES[frame["code"]].retryable is frame["retryable"]
