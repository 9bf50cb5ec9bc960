"""Pages that links lead to: each is read once a day, whoever links it, and not too many of one site."""

import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from django.conf import settings
from django.db import transaction

from chat.link_previews import TYPES, Page, host_of, page_of
from chat.models import LinkPage
from chatsite.kernel import outbound
from chatsite.kernel.addresses import networks
from chatsite.kernel.database import in_db_thread

KEPT, FAILED_KEPT = timedelta(days=1), timedelta(hours=1)
# Pages read in a minute by all processes, and those that begin at the same moment.
MOST_OF_A_HOST, MINUTE = 20, timedelta(minutes=1)
READING = timedelta(seconds=30)  # after which whoever reads a page must have died: a request ends after ten
AGAIN = timedelta(seconds=2)  # when whoever wants a page that another reads looks again
MAX_BYTES = 256 * 1024  # of a page, whose head is at its beginning; the dearest take 1 s of a core
MAX_HOST = 255  # characters
AGENT = "chatsite-link-preview"


class Busy(Exception):
    """A page can be read later: somebody reads it, or its host was asked often enough."""

    def __init__(self, until: datetime) -> None:
        self.until = until
        super().__init__(f"until {until}")


async def read(link: str) -> Page | None:
    """What a page says, read now or today; None where it says nothing or cannot be read. Raises Busy."""
    known = await in_db_thread(take, link, now=datetime.now(UTC))
    if known is not None:
        return Page(**known.said) if known.said is not None else None
    page = None
    try:
        answer = await outbound.get(
            link, types=TYPES, max_bytes=MAX_BYTES, agent=AGENT, allowed=networks(settings.LINK_PREVIEW_ALLOW)
        )
        # In a thread: others go on meanwhile.
        page = await asyncio.to_thread(page_of, answer.content_type, answer.body)
    except outbound.Unreachable:
        pass  # Nobody waits for it: the link stands alone.
    await in_db_thread(keep, link, page, now=datetime.now(UTC))
    return page


@transaction.atomic
def take(link: str, *, now: datetime) -> LinkPage | None:
    """What a page said, if that is still good; None lets the caller read it, while others wait. Raises Busy."""
    digest, host = _digest_of(link), host_of(link)[:MAX_HOST]
    new = {"host": host, "asked_at": now}
    row, is_new = LinkPage.objects.select_for_update().get_or_create(digest=digest, defaults=new)
    if not is_new and row.read_at is None and now - row.asked_at < READING:
        raise Busy(now + AGAIN)
    if row.read_at is not None and now - row.read_at < (KEPT if row.said is not None else FAILED_KEPT):
        return row
    others = LinkPage.objects.filter(host=host, asked_at__gt=now - MINUTE).exclude(digest=digest)
    if others.count() >= MOST_OF_A_HOST:
        raise Busy(now + MINUTE)
    row.asked_at, row.read_at = now, None
    row.save(update_fields=["asked_at", "read_at"])
    return None


def keep(link: str, page: Page | None, *, now: datetime) -> None:
    """Keep what a page says, or that nothing could be read."""
    said = page._asdict() if page is not None else None
    LinkPage.objects.filter(digest=_digest_of(link)).update(read_at=now, said=said)


def forget_old(now: datetime) -> None:
    """Forget what would be read again."""
    LinkPage.objects.filter(asked_at__lt=now - KEPT).delete()


def _digest_of(link: str) -> str:
    """What stands for an address, which may be a secret: it is not kept. A part of a page is the same page."""
    return blake2b(link.partition("#")[0].encode(), digest_size=16).hexdigest()
