"""Letting the groups finish, for commands whose work is seen only after them."""

import asyncio

from django.conf import settings

from chatsite.kernel.groups import catch_up, groups, wait_until_finished
from chatsite.kernel.lock import FolderLock, FolderTaken

SERVER_SECONDS = 60.0  # how long a command waits for the groups of a running server


async def settle() -> bool:
    """Let the groups finish what the logs hold: here, or in the server that runs; False when that is late."""
    try:
        with FolderLock(settings.DATA):
            await catch_up(groups())
    except FolderTaken:
        try:
            async with asyncio.timeout(SERVER_SECONDS):
                await wait_until_finished(groups())
        except TimeoutError:
            return False
    return True
