"""What staff let nobody say, or want to be told of."""

import uuid

from django.conf import settings
from django.db import models

from chat.models.chats import Chat
from chat.rules import Deed, Kind

_KINDS = {
    Kind.WORD: "words: whole ones, in any case",
    Kind.REGEX: "patterns (RE2)",
    Kind.LINK: "links to these domains",
    Kind.OTHER_LINK: "links to any other domains",
}
_DEEDS = {
    Deed.FLAG: "report it to staff",
    Deed.REFUSE: "refuse it",
    Deed.MASK: "cover it with asterisks",
}


class ModerationRule(models.Model):
    """A rule over what is said: everywhere, in a company's chats, or in one chat."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=16, choices=[(kind.value, text) for kind, text in _KINDS.items()])
    patterns = models.TextField(help_text="each on a line of its own")
    deed = models.CharField("what to do", max_length=16, choices=[(deed.value, text) for deed, text in _DEEDS.items()])
    notice = models.CharField(max_length=200, blank=True, help_text="what somebody is told whose text is refused")
    company = models.ForeignKey(
        "accounts.Company", on_delete=models.CASCADE, null=True, blank=True, help_text="in whose chats; none: in all"
    )
    chat = models.ForeignKey(
        Chat, on_delete=models.CASCADE, null=True, blank=True, related_name="rules", help_text="in this one alone"
    )
    is_active = models.BooleanField("on", default=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    version = models.BigIntegerField(help_text="microseconds; the highest wins")

    class Meta:
        db_table = "moderation_rules"
        verbose_name = "rule"

    def __str__(self) -> str:
        return self.name
