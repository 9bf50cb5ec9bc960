"""What the lists of threads show, of what is said in them, and who follows one: rows in Django's database."""

from django.conf import settings
from django.db import models

from chat.models.chats import Chat


class ThreadReply(models.Model):
    """That a message is in a thread: what threads are counted from. A copy, which the log can make again."""

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="+", db_index=False)
    root = models.BigIntegerField(help_text="the message that the thread is under")
    message_id = models.BigIntegerField()
    sender = models.UUIDField()
    pos = models.BigIntegerField(help_text="0 where it was imported: that is unread for nobody")
    is_deleted = models.BooleanField(default=False, help_text="kept, so that a replay does not count it again")

    class Meta:
        db_table = "thread_replies"
        constraints = [models.UniqueConstraint(fields=["chat", "message_id"], name="one_reply_a_message")]
        indexes = [models.Index(fields=["chat", "root", "message_id"], name="replies_of_a_thread")]

    def __str__(self) -> str:
        return f"{self.message_id} in {self.root}"


class ThreadFollow(models.Model):
    """Whether somebody follows a thread, and how far they have read it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="+", db_index=False)
    root = models.BigIntegerField(help_text="the message that the thread is under")
    is_following = models.BooleanField()
    last_read_pos = models.BigIntegerField()
    version = models.BigIntegerField(help_text="microseconds; of what changed it last")

    class Meta:
        db_table = "thread_follows"
        constraints = [
            models.UniqueConstraint(fields=["user", "chat", "root"], name="one_follow_of_a_person"),
        ]
        indexes = [models.Index(fields=["chat", "root"], name="followers_of_a_thread")]

    def __str__(self) -> str:
        return f"{self.user_id} of {self.root}"
