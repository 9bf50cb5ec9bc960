"""Receipts: what was deleted for good, by whom, and whether all of it is gone."""

from django.contrib import admin

from chat.models import Erased
from chatsite.accounts.staff.rows import Shown


@admin.register(Erased)
class ErasedAdmin(Shown, admin.ModelAdmin):  # type: ignore[type-arg]
    """What was deleted for good."""

    list_display = fields = ("id", "kind", "subject", "by", "created_at", "finished_at", "counts")
    list_filter = ("kind", "created_at")
    list_select_related = ("by",)
    search_fields = ("=id", "=subject", "by__username")
    ordering = ("-created_at",)
