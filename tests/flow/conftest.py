"""Fixtures of stories about staff."""

from collections.abc import AsyncIterator, Callable

import pytest

from tests.staff import Staff
from tests.world import Server, World, manage


@pytest.fixture
async def staff(make_server: Callable[..., Server]) -> AsyncIterator[Staff]:
    """Sam, logged in, in a world of his own."""
    async with World(make_server()) as world:
        staff = Staff(world)
        assert "Log out" in await staff.log_in()
        yield staff
        await staff.browser.aclose()
        assert "holds" in manage(world.server.folder, "verify_audit")
