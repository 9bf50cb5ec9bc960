"""Loads the adapter of a port as the settings name it."""

from functools import cache
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


@cache
def backend(setting: str) -> Any:
    """This process's adapter for one of the settings of the form {BACKEND, CONFIG}."""
    chosen = getattr(settings, setting)
    return import_string(chosen["BACKEND"])(**chosen["CONFIG"])
