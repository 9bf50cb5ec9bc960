"""Presence: who is there, away or gone."""

from django.apps import AppConfig


class PresenceConfig(AppConfig):
    """Registers frames, and hears who comes and goes, and what other processes say of that."""

    name = "presence"

    def ready(self) -> None:
        from chatsite.gateway.notices import listeners
        from chatsite.gateway.registry import attendants
        from presence import frames, told  # noqa: F401 - importing registers
        from presence.tracker import CHANGED, CHOSEN, tracker

        attendants.append(tracker)
        listeners.update({CHANGED: tracker.hear, CHOSEN: tracker.hear_choice})
