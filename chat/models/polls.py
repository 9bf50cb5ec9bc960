"""How polls stand, and who chose what: rows in Django's database. What is asked is with the message."""

from django.conf import settings
from django.db import models

from chat.models.chats import Chat


class Poll(models.Model):
    """How a poll stands; made by its first vote, or when it is closed."""

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="+", db_index=False)
    message_id = models.BigIntegerField()
    is_closed = models.BooleanField(default=False)
    version = models.BigIntegerField(default=0, help_text="microseconds; of the last vote, or of the close")

    class Meta:
        db_table = "polls"
        constraints = [models.UniqueConstraint(fields=["chat", "message_id"], name="one_row_a_poll")]

    def __str__(self) -> str:
        return f"{self.message_id} in {self.chat_id}"


class PollVote(models.Model):
    """That somebody chose an option; of an anonymous poll too, or nobody could have one vote alone."""

    poll = models.ForeignKey(Poll, on_delete=models.CASCADE, related_name="votes", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    choice = models.PositiveSmallIntegerField(help_text="the number of the option, from 0")

    class Meta:
        db_table = "poll_votes"
        constraints = [models.UniqueConstraint(fields=["poll", "choice", "user"], name="one_vote_an_option")]

    def __str__(self) -> str:
        # Without who it was: in an anonymous poll that is nobody's to read.
        return f"{self.choice} of {self.poll_id}"
