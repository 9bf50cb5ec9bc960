"""What links lead to: what was read of pages, and what of it stands under which message."""

from django.db import models

from chat.models.chats import Chat


class LinkPage(models.Model):
    """What a page said of itself when it was read, for a day; null where there was nothing to show."""

    digest = models.CharField(primary_key=True, max_length=32, help_text="of its address, which is not kept")
    host = models.CharField(max_length=255)
    asked_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, help_text="null while it is asked")
    said = models.JSONField(null=True)

    class Meta:
        db_table = "link_pages"
        indexes = [
            models.Index(fields=["host", "asked_at"], name="pages_asked_of_a_host"),
            models.Index(fields=["asked_at"], name="pages_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.digest} of {self.host}"


class LinkPreviews(models.Model):
    """The previews under a message, which are of one version of its text."""

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="+", db_index=False)
    message_id = models.BigIntegerField()
    text_version = models.BigIntegerField(default=0, help_text="the message's, when they were made")
    previews = models.JSONField(default=list)
    is_removed = models.BooleanField(default=False, help_text="somebody took them away: there will be none")
    version = models.BigIntegerField(default=0, help_text="microseconds; of the last change")

    class Meta:
        db_table = "link_previews"
        constraints = [models.UniqueConstraint(fields=["chat", "message_id"], name="one_row_of_previews_a_message")]

    def __str__(self) -> str:
        return f"{self.message_id} in {self.chat_id}"
