"""What the composition keeps for itself: how far a move from one shape to another has come."""

from typing import ClassVar

from django.db import models


class MoveStep(models.Model):
    """One step of `migrate_profile`, in the database that it fills: committed with what it did."""

    in_both_databases: ClassVar[bool] = True

    name = models.CharField(primary_key=True, max_length=100)
    last = models.JSONField(null=True, help_text="the key of the last row that was moved")
    rows = models.BigIntegerField(default=0)
    is_done = models.BooleanField(default=False)

    class Meta:
        db_table = "move_steps"
