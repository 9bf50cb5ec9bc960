"""Dropping what nobody needs any more, every hour."""

import logging
from datetime import UTC, datetime

from chat.commands import bot_commands, link_pages
from chatsite.kernel import clock
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.eventlog import log, outbox
from chatsite.kernel.groups import AWAY, trim
from chatsite.kernel.idempotency import forget_old

logger = logging.getLogger(__name__)


async def tidy() -> None:
    """Drop what logs, idempotency keys, invocations and pages need not keep; what is away is left for the next hour."""
    try:
        await in_db_thread(forget_old, datetime.now(UTC))
        await in_db_thread(bot_commands.forget_ended, datetime.now(UTC))
        await in_db_thread(link_pages.forget_old, datetime.now(UTC))
        for one in (log(), outbox()):
            if dropped := await trim(one, now_ms=clock.now_ms()):
                logger.info("trimmed %d records", dropped)
    except AWAY as error:
        logger.warning("not everything is tidied this hour: %s", error)
