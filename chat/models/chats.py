"""Chats, their participants, invites and bans: facts in Django's database."""

import uuid

from django.conf import settings
from django.db import models

from chat.policy import OVERRIDABLE, Level, Mode, Overrides, Role, mode_of


class Chat(models.Model):
    """A conversation of some people."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255, blank=True)
    description = models.CharField(max_length=1_000, blank=True)
    chat_type = models.CharField(max_length=50)
    pair = models.CharField(max_length=73, null=True, unique=True, help_text="of a direct chat: whose it is")
    company = models.ForeignKey("accounts.Company", on_delete=models.PROTECT, null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    last_message_at = models.DateTimeField(null=True)
    last_message = models.JSONField(null=True, help_text="id, sender and text of the newest message, by `previews`")
    participant_count = models.IntegerField(default=0)
    mode = models.CharField(max_length=8, default=Mode.FULL.value, choices=[(mode.value, mode.value) for mode in Mode])
    is_archived = models.BooleanField(default=False)
    permissions = models.JSONField(default=dict, help_text="the lowest role that may post, invite, pin, mention all")
    slow_mode_seconds = models.PositiveIntegerField(default=0, help_text="between two messages of one member")
    # The database has these defaults too: processes from before an update go on making chats.
    expire_seconds = models.PositiveIntegerField(
        default=0, db_default=0, help_text="after which a message goes; 0 = it stays"
    )
    link_previews = models.BooleanField(
        default=False, db_default=False, help_text="whether links that are said in it are read"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    members_version = models.BigIntegerField(default=1, help_text="rises with all that decides who may do what")
    version = models.BigIntegerField(help_text="microseconds; the highest wins")

    class Meta:
        db_table = "chats"

    def __str__(self) -> str:
        return self.name or str(self.id)

    def count(self, change: int) -> None:
        """Count participants who come or go, and choose how so many hear the chat; saved by the caller."""
        self.participant_count += change
        self.mode = mode_of(self.participant_count, Mode(self.mode))

    @property
    def overrides(self) -> Overrides:
        """What this chat allows otherwise than the table of roles."""
        return {OVERRIDABLE[name]: Role(role) for name, role in self.permissions.items()}


class Folder(models.Model):
    """A name under which somebody puts chats of theirs in their own list."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)

    class Meta:
        db_table = "folders"
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="one_folder_of_a_name")]

    def __str__(self) -> str:
        return str(self.id)  # Its name is nobody else's to read.


class Participant(models.Model):
    """Somebody's place in a chat; inactive once they left or were removed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="participants")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    role = models.CharField(max_length=50, default=Role.MEMBER, choices=[(role.value, role.value) for role in Role])
    joined_at = models.DateTimeField(auto_now_add=True)
    is_active = models.BooleanField(default=True)
    muted_until = models.DateTimeField(null=True, help_text="may not post before")
    notifications_muted_until = models.DateTimeField(null=True, help_text="wants no notifications before")
    notification_level = models.CharField(
        max_length=8, default=Level.ALL.value, choices=[(level.value, level.value) for level in Level]
    )
    is_favourite = models.BooleanField(default=False, help_text="first in one's own list")
    folder = models.ForeignKey(Folder, on_delete=models.SET_NULL, null=True, help_text="in one's own list")
    last_read_message_id = models.BigIntegerField(null=True, help_text="copied from the read position")
    last_read_pos = models.BigIntegerField(default=0, help_text="copied from the read position")
    unread_version = models.BigIntegerField(default=0, help_text="of the last `mark unread`; older reads lose to it")
    version = models.BigIntegerField(help_text="microseconds; the highest wins")

    class Meta:
        db_table = "chat_participants"
        constraints = [models.UniqueConstraint(fields=["chat", "user"], name="one_place_a_chat")]
        indexes = [models.Index(fields=["user", "is_active"], name="chats_of_a_person")]

    def __str__(self) -> str:
        return str(self.user)


class Invite(models.Model):
    """A link that lets colleagues into a chat, until it ends or is used up."""

    code = models.CharField(max_length=32, primary_key=True)
    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="invites")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    role = models.CharField(max_length=50)
    expires_at = models.DateTimeField()
    max_uses = models.PositiveIntegerField(null=True, help_text="null: as often as one likes")
    uses = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "invites"

    def __str__(self) -> str:
        # Without the code: who reads that comes in.
        uses = f"{self.uses} of {self.max_uses}" if self.max_uses else self.uses
        return f"for a {self.role}, by {self.created_by}, used {uses}, until {self.expires_at:%Y-%m-%d %H:%M} UTC"


class Ban(models.Model):
    """Somebody who may not come back into a chat."""

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="bans")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "bans"
        constraints = [models.UniqueConstraint(fields=["chat", "user"], name="one_ban_a_chat")]

    def __str__(self) -> str:
        return str(self.user)


class Erased(models.Model):
    """What was erased for good, and the receipt of it: no replay brings it back."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20)
    subject = models.UUIDField(help_text="the id of what was erased")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    counts = models.JSONField(default=dict, help_text="rows that went, by table")
    members = models.JSONField(default=list, help_text="who was in it: their devices learn that it is gone")
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "erased"
        verbose_name = "receipt of what was erased"
        verbose_name_plural = "receipts of what was erased"
        constraints = [models.UniqueConstraint(fields=["kind", "subject"], name="erased_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
