"""Stars: messages that a person wants to find again."""

from django.apps import AppConfig


class StarConfig(AppConfig):
    """Registers the event, the frames and the projection."""

    name = "tests.star_app"
    label = "star_app"

    def ready(self) -> None:
        from tests.star_app import frames, projections, protocol  # noqa: F401 - importing registers
