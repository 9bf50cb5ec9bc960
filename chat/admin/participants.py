"""Participants: who is in which chat, and what they may."""

from datetime import UTC, datetime, timedelta

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest

from chat.admin.acting import ACT, ActedOn, actor
from chat.commands import participants
from chat.models import Participant
from chat.policy import Role
from chatsite.accounts.staff.rows import each
from chatsite.kernel.errors import Invalid

MUTED = timedelta(hours=1)


class _RoleActions(ActionForm):
    role = forms.ChoiceField(choices=[("", "---------"), *((role, role) for role in Role)], required=False)


@admin.register(Participant)
class ParticipantAdmin(ActedOn, admin.ModelAdmin):  # type: ignore[type-arg]
    """Who is in which chat."""

    list_display = ("__str__", "chat", "role", "is_active", "muted_until", "last_read_message_id", "joined_at")
    list_filter = ("is_active", "role")
    list_select_related = ("user", "chat")
    search_fields = ("=chat__id", "chat__name", "user__username", "user__name")
    ordering = ("-joined_at",)
    show_full_result_count = False
    fields = (
        "id", "user", "chat", "role", "is_active", "joined_at", "muted_until", "last_read_message_id", "last_read_pos",
    )  # fmt: skip
    action_form = _RoleActions
    actions = ["remove", "ban", "mute", "unmute", "change_role"]

    @admin.action(description="Remove from the chat", permissions=ACT)
    def remove(self, request: HttpRequest, chosen: "QuerySet[Participant]") -> None:
        """Take people out of chats."""
        each(
            request, chosen, lambda place: participants.remove(place.chat_id, user_id=place.user_id, by=actor(request))
        )

    @admin.action(description="Ban from the chat", permissions=ACT)
    def ban(self, request: HttpRequest, chosen: "QuerySet[Participant]") -> None:
        """Take people out of chats for good."""
        each(request, chosen, lambda place: participants.ban(place.chat_id, user_id=place.user_id, by=actor(request)))

    @admin.action(description="Mute for an hour", permissions=ACT)
    def mute(self, request: HttpRequest, chosen: "QuerySet[Participant]") -> None:
        """Let people post nothing for an hour."""
        self._mute(request, chosen, until=datetime.now(UTC) + MUTED)

    @admin.action(description="Mute no longer", permissions=ACT)
    def unmute(self, request: HttpRequest, chosen: "QuerySet[Participant]") -> None:
        """Let people post again."""
        self._mute(request, chosen, until=None)

    @admin.action(description="Give the role chosen beside this", permissions=ACT)
    def change_role(self, request: HttpRequest, chosen: "QuerySet[Participant]") -> None:
        """Let people do more or less in chats."""
        each(
            request,
            chosen,
            lambda place: participants.change_role(
                place.chat_id, user_id=place.user_id, role=_role(request), by=actor(request)
            ),
        )

    def _mute(self, request: HttpRequest, chosen: "QuerySet[Participant]", *, until: datetime | None) -> None:
        each(
            request,
            chosen,
            lambda place: participants.mute(place.chat_id, user_id=place.user_id, until=until, by=actor(request)),
        )


def _role(request: HttpRequest) -> Role:
    try:
        return Role(request.POST.get("role", ""))
    except ValueError:
        raise Invalid("choose one.", field="role") from None
