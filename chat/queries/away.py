"""Who is before a window, and who is away and may be told of what is new: presence knows, by names of the settings."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import cache
from typing import Any, cast

from django.conf import settings
from django.utils.module_loading import import_string

_Some = Callable[[Collection[str]], Awaitable[set[str]]]


async def online_among(users: Collection[str]) -> set[str]:
    """Those of some people whom others see as ONLINE."""
    return await cast(_Some, _named("WHO_IS_ONLINE"))(users)


async def may_be_notified(users: Collection[str]) -> set[str]:
    """Those of some people who are not before a window, and want to be told of what is new now."""
    return await cast(_Some, _named("WHO_MAY_BE_NOTIFIED"))(users)


async def last_here(user: str) -> int:
    """When somebody who is away was before a window (unix ms); 0 of who hides it, or never was."""
    found = await cast(Callable[[Collection[str]], Awaitable[Mapping[str, int]]], _named("LAST_HERE"))({user})
    return found.get(user, 0)


@cache
def _named(name: str) -> Any:
    return import_string(getattr(settings, name))
