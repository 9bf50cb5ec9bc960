"""Chats: whose they are, who is in them, and their end."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from chat.admin.acting import ACT, ActedOn, actor
from chat.commands import chats
from chat.models import Ban, Chat, Invite, Participant
from chat.queries.erased import going
from chatsite.accounts.staff.rows import Shown, each
from chatsite.kernel.errors import DomainError

SHOWN = 100  # rows of each kind on the page of a chat


class _NewestOfChat(Shown, admin.TabularInline):  # type: ignore[type-arg]
    """The newest rows of a chat's page."""

    by = "-created_at"
    related: tuple[str, ...] = ("user",)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        """No more than a page can show."""
        found = super().get_queryset(request).select_related(*self.related).order_by(self.by)
        if request.resolver_match and (chat_id := request.resolver_match.kwargs.get("object_id")):
            newest = self.model.objects.filter(chat=chat_id).order_by(self.by).values("pk")[:SHOWN]
            return found.filter(pk__in=newest)
        return found


class _ParticipantsInline(_NewestOfChat):
    model = Participant
    by = "-joined_at"
    fields = readonly_fields = ("user", "role", "is_active", "muted_until", "last_read_message_id", "joined_at")
    verbose_name_plural = "who came in last"


class _BansInline(_NewestOfChat):
    model = Ban
    related = ("user", "by")
    fields = readonly_fields = ("user", "by", "reason", "created_at")


@admin.register(Chat)
class ChatAdmin(ActedOn, admin.ModelAdmin):  # type: ignore[type-arg]
    """Chats, without a word of what is said in them."""

    list_display = (
        "__str__", "company", "chat_type", "is_archived", "participant_count", "last_message_at", "created_at",
    )  # fmt: skip
    list_filter = ("is_archived", "chat_type", "last_message_at", "company")
    list_select_related = ("company",)
    search_fields = ("=id", "name", "company__name", "participants__user__username", "participants__user__name")
    ordering = ("-version",)
    show_full_result_count = False
    fields = (
        "id", "name", "description", "chat_type", "company", "created_by", "created_at", "last_message_at",
        "is_archived", "permissions", "slow_mode_seconds", "participant_count", "everybody", "links",
    )  # fmt: skip
    readonly_fields = ("everybody", "links")
    inlines = (_ParticipantsInline, _BansInline)
    actions = ["archive", "restore", "erase"]

    @admin.display(description="Everybody")
    def everybody(self, chat: Chat) -> SafeString:
        """Where the people of a chat are listed, and changed."""
        return format_html(
            '<a href="{}?chat__id__exact={}">All who are or were in it</a>',
            reverse("admin:chat_participant_changelist"),
            chat.id,
        )

    @admin.display(description="Invites")
    def links(self, chat: Chat) -> str:
        """The newest invites, without the codes that let their readers in."""
        newest = Invite.objects.filter(chat=chat).select_related("created_by").order_by("-created_at")[:SHOWN]
        return format_html_join("", "<p>{}</p>", ((invite,) for invite in newest)) or "none"

    @admin.action(description="Archive: let it take nothing new", permissions=ACT)
    def archive(self, request: HttpRequest, chosen: "QuerySet[Chat]") -> None:
        """Let chats take nothing new."""
        each(request, chosen, lambda chat: chats.archive(chat.id, by=actor(request)))

    @admin.action(description="Restore from the archive", permissions=ACT)
    def restore(self, request: HttpRequest, chosen: "QuerySet[Chat]") -> None:
        """Let archived chats go on."""
        each(request, chosen, lambda chat: chats.restore(chat.id, by=actor(request)))

    @admin.action(description="Delete for good", permissions=ACT)
    def erase(self, request: HttpRequest, chosen: "QuerySet[Chat]") -> HttpResponse | None:
        """Delete one chat, once its name was typed."""
        found = list(chosen[:2])
        if len(found) != 1:
            messages.error(request, "Choose one: each chat is deleted on its own.")
            return None
        (chat,) = found
        typed = request.POST.get("typed")
        if typed is None or _words(typed) != _words(str(chat)):
            return self._ask_for_the_name(request, chat, is_wrong=typed is not None)
        try:
            receipt = chats.erase(chat.id, by=actor(request))
            messages.success(request, f"{chat} is deleted for good. The receipt is {receipt.id}.")
        except DomainError as error:
            messages.error(request, f"{chat}: {error.detail}")
        return None

    def _ask_for_the_name(self, request: HttpRequest, chat: Chat, *, is_wrong: bool) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Delete a chat for good",
            "opts": self.opts,
            "chat": chat,
            "counts": going(chat),
            "is_wrong": is_wrong,
        }
        return TemplateResponse(request, "admin/chat/chat/erase.html", context)


def _words(text: str) -> list[str]:
    """A name as a browser shows it, where two blanks look like one."""
    return text.split()
