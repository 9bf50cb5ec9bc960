"""The client in Python plays every script; tests/js/conformance_test.mjs does it with the one in JavaScript."""

from typing import Any

import pytest

from tests.conformance.player import play, scripts

SCRIPTS = scripts()


@pytest.mark.parametrize("script", SCRIPTS, ids=[script["name"] for script in SCRIPTS])
def test_the_client_does_what_the_script_says(script: dict[str, Any]) -> None:
    play(script)
