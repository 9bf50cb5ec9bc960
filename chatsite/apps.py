"""The composition: commands that know every app."""

from django.apps import AppConfig


class ChatsiteConfig(AppConfig):
    """Holds the management commands."""

    name = "chatsite"
