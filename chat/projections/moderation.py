"""The group `moderation`: what the rules of staff find in what was said is reported to them.

A rule judges what came into the log since it is what it is, so a replay under newer rules
reports nothing of before; and of a text that it has judged it reports once.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from chat.commands.flags import record_found
from chat.events import MessageEdited, MessageSent, whole_text
from chat.models import Chat, MessageFlag, ModerationRule
from chat.queries.participants import chat_id, roster
from chat.queries.rules import rules
from chat.rules import Rule, flagging
from chatsite.kernel.database import in_db_thread
from chatsite.kernel.events import Record
from chatsite.kernel.groups import group

moderation = group("moderation", may_lag=True)


@moderation.project(MessageSent, MessageEdited)
async def report_found(records: Sequence[Record]) -> None:
    """Report those texts of one chat in which a rule finds something."""
    chat, known = chat_id(records[0].key), await rules()
    its = known.for_chat(chat, (await roster(chat)).company) if any(known) else ()
    if not its:
        return
    for record in records:
        judging = [rule for rule in its if rule.since_ms <= record.appended_ms]
        event = record.fact.payload
        poll = event.poll if isinstance(event, MessageSent) else None
        if found := flagging(whole_text(event.content, poll), judging):
            await in_db_thread(_report, record, found)


@transaction.atomic
def _report(record: Record, found: Sequence[Rule]) -> None:
    if not Chat.objects.select_for_update(no_key=True).filter(id=record.key).exists():
        return  # It was deleted for good.
    message, version = int(record.fact.payload.message_id), record.fact.version
    author = UUID(record.fact.actor_id) if record.fact.actor_id else None
    for rule in found:
        is_known = MessageFlag.objects.filter(rule=rule.id, message_id=message, text_version=version).exists()
        if not is_known and ModerationRule.objects.filter(id=rule.id).exists():
            record_found(UUID(record.key), message, rule, author=author, text_version=version)
