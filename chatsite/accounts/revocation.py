"""Closes the sockets of sign-ins that ended, in case the push was lost."""

import asyncio
import logging

from django.db import DatabaseError

from chatsite.accounts.authentication import standing
from chatsite.gateway.hub import hub
from chatsite.gateway.protocol import CloseCode
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.errors import Unavailable

logger = logging.getLogger(__name__)

READ_SECONDS = 60.0
_CHUNK = 500  # sign-ins of one query


async def watch_sign_ins() -> None:
    """Read the sign-ins of all open sessions again each minute; runs until cancelled."""
    while True:
        await asyncio.sleep(READ_SECONDS)
        try:
            await end_revoked()
        except (DatabaseError, Unavailable) as error:
            logger.warning("sign-ins are not read again this time: %s", error)


async def end_revoked() -> None:
    """Close the sessions whose sign-in ended or whose person was deactivated."""
    ids = list({session.sign_in_id for session in hub.sessions if session.sign_in_id})
    ended: set[str] = set()
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        ended |= set(chunk) - await in_db_thread(_good, chunk)
    for session in tuple(hub.sessions):
        if session.sign_in_id in ended:
            session.close(CloseCode.REVOKED)


def _good(ids: list[str]) -> set[str]:
    return {str(one) for one in standing(ids).values_list("id", flat=True)}
