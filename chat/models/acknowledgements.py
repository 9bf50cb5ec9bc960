"""Important messages, and who has taken note of them: rows in Django's database."""

from django.conf import settings
from django.db import models

from chat.models.chats import Chat


class ImportantMessage(models.Model):
    """That a message asks to be acknowledged: what waits for somebody is found by it. A copy of what was said."""

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="+", db_index=False)
    message_id = models.BigIntegerField()
    sender = models.UUIDField()
    is_deleted = models.BooleanField(default=False, help_text="kept, so that a replay does not ask again")
    version = models.BigIntegerField(default=0, help_text="microseconds; of the last acknowledgement")

    class Meta:
        db_table = "important_messages"
        constraints = [models.UniqueConstraint(fields=["chat", "message_id"], name="one_row_an_important_message")]

    def __str__(self) -> str:
        return f"{self.message_id} in {self.chat_id}"


class Acknowledgement(models.Model):
    """That somebody has taken note of an important message."""

    message = models.ForeignKey(
        ImportantMessage, on_delete=models.CASCADE, related_name="acknowledgements", db_index=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    version = models.BigIntegerField(help_text="microseconds; when, and in which order")

    class Meta:
        db_table = "acknowledgements"
        constraints = [models.UniqueConstraint(fields=["message", "user"], name="one_acknowledgement_of_a_person")]
        indexes = [models.Index(fields=["message", "version"], name="acknowledgements_in_order")]

    def __str__(self) -> str:
        return f"{self.user_id} of {self.message_id}"
