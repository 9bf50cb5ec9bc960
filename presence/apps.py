"""Presence: who is there, away or gone."""

from django.apps import AppConfig


class PresenceConfig(AppConfig):
    """Its rules and where they are kept."""

    name = "presence"
