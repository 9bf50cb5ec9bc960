"""The composition: commands that know every app."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings


class ChatsiteConfig(AppConfig):
    """Holds the management commands; where Celery runs the chores, it is told of new ones."""

    name = "chatsite"

    def ready(self) -> None:
        """Register the checks; have Celery nudged after a chore was added."""
        import_module("chatsite.checks")
        if settings.SHARED:
            from chatsite.kernel import chores
            from chatsite.tasks import nudge

            chores.tell(nudge)
