"""Letting the groups finish, for commands whose work is seen only after them."""

import asyncio
from contextlib import suppress

from django.conf import settings

from chatsite.kernel.groups import Group, catch_up, groups, wait_until_finished
from chatsite.kernel.lock import FolderLock, FolderTaken

SERVER_SECONDS = 60.0  # how long a command waits for the groups of a running server


async def settle() -> bool:
    """Let the groups finish what the logs hold: here, or in the processes that run them; False when that is late.

    Those that may lag are left: they go on where they were.
    """
    try:
        if settings.SHARED:
            return await _in_time()
        with FolderLock(settings.DATA):
            await catch_up(_awaited())
    except FolderTaken:
        return await _in_time()
    return True


async def _in_time() -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(SERVER_SECONDS):
            await wait_until_finished(_awaited())
            return True
    return False


def _awaited() -> list[Group]:
    return [group for group in groups() if not group.may_lag]
