"""What people chose to show, and when they were seen last: what outlives a store."""

from django.conf import settings
from django.db import models


class Presence(models.Model):
    """A person's choice; who never chose anything and was never seen has none."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True)
    status = models.CharField(max_length=16, default="ONLINE")
    text = models.CharField(max_length=200, blank=True)
    until = models.DateTimeField(null=True)
    quiet_start = models.TimeField(null=True)
    quiet_end = models.TimeField(null=True)
    time_zone = models.CharField(max_length=64, blank=True)
    shows_last_seen = models.BooleanField(default=True)
    version = models.BigIntegerField(default=0)
    last_seen = models.DateTimeField(null=True)
    seen_version = models.BigIntegerField(default=0)

    class Meta:
        db_table = "presence"

    def __str__(self) -> str:
        return f"{self.user_id}: {self.status}"
