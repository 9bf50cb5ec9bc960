"""Loads the adapter of a port as the settings name it, and closes what adapters share."""

from functools import cache
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string


@cache
def backend(setting: str) -> Any:
    """This process's adapter for one of the settings of the form {BACKEND, CONFIG}."""
    chosen = getattr(settings, setting)
    return import_string(chosen["BACKEND"])(**chosen["CONFIG"])


class Connected(Protocol):
    """What has connections to a server."""

    async def close(self) -> None:
        """Let go of this loop's."""


_connected: set[Connected] = set()  # one for each adapter


def closed_at_the_end(connected: Connected) -> None:
    """Have its connections closed when the process, or a test, ends."""
    _connected.add(connected)


async def close_connections() -> None:
    """Let go of every connection of this loop."""
    for one in tuple(_connected):
        await one.close()
