"""Makes and registers the topic of the event log, in the shape cluster."""

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatsite.kernel.errors import DomainError
from chatsite.kernel.eventlog import log
from chatsite.settings.registry import setting


@runtime_checkable
class TopicLog(Protocol):
    """An event log that lives in a topic, which somebody has to make."""

    def migrate(self, *, partitions: int, replication: int, accept_new_topic: bool) -> Iterator[str]:
        """Make and register the topic where it is missing; tells line by line."""


class Command(BaseCommand):
    """`manage.py migrate_log`."""

    help = (
        "Makes the event log's topic and the one of its dead letters where they are missing, and registers them."
        " Running it again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The one thing that has to be said aloud."""
        parser.add_argument(
            "--accept-new-topic",
            action="store_true",
            help="the topic is another one, or lost records: raise the generation; groups start at its oldest record",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make, register, tell."""
        events = log()
        if not isinstance(events, TopicLog):
            self.stdout.write("The event log of this shape is in the database: manage.py migrate_all makes it.")
            return
        try:
            for line in events.migrate(
                partitions=setting("CHAT_KAFKA_PARTITIONS"),
                replication=setting("CHAT_KAFKA_REPLICATION"),
                accept_new_topic=options["accept_new_topic"],
            ):
                self.stdout.write(line)
        except (DomainError, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from None
