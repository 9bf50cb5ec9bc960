"""Telegram: what was said there, and which message here it became."""

from django.apps import AppConfig


class TelegramBridgeConfig(AppConfig):
    """Registers a filter of the search, and what goes with an erased chat."""

    name = "telegram_bridge"

    def ready(self) -> None:
        from chat.commands.erasing import erasers
        from chat.search import PlaceFilter, place_filters
        from telegram_bridge.commands.erasing import erase
        from telegram_bridge.ids import EXAMPLE, HELP, read_named
        from telegram_bridge.queries.search import places_of

        erasers.append(erase)
        place_filters["telegram"] = PlaceFilter(read_named, places_of, HELP, EXAMPLE)
