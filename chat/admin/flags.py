"""Reports: the queue of what staff should look at, and what they do about it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from chat.admin.acting import ACT, ActedOn, actor
from chat.commands import reviews
from chat.commands.flags import RULE
from chat.events import whole_text
from chat.fold import MessageState
from chat.models import MessageFlag
from chat.moderation import State
from chatsite.accounts.models import User
from chatsite.accounts.staff.rows import each
from chatsite.kernel.errors import DomainError


class _StateFilter(SimpleListFilter):
    """What waits, unless one asks for something else."""

    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*((state.value, state.value) for state in State if state is not State.OPEN), ("all", "all")]

    def choices(self, changelist: ChangeList) -> Any:
        waiting, *rest = super().choices(changelist)
        return [{**waiting, "display": State.OPEN.value}, *rest]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[MessageFlag]") -> "QuerySet[MessageFlag]":
        if self.value() == "all":
            return queryset
        return queryset.filter(state=self.value() or State.OPEN)


@admin.register(MessageFlag)
class MessageFlagAdmin(ActedOn, admin.ModelAdmin):  # type: ignore[type-arg]
    """Reports, without a word of the messages until it is on the record why somebody reads them."""

    list_display = ("created_at", "reason", "author", "chat", "reporter", "found", "state")
    list_filter = (_StateFilter, "reason", "created_at")
    list_select_related = ("author", "chat", "by")
    search_fields = (
        "=id", "=message_id", "=chat__id", "chat__name", "author__username", "author__name", "by__username", "source",
    )  # fmt: skip
    ordering = ("-created_at",)
    show_full_result_count = False
    fields = (
        "created_at", "reason", "text", "reporter", "found", "author", "chat", "message_id", "read_it", "beside",
        "state", "outcome", "closed_by", "closed_at",
    )  # fmt: skip
    readonly_fields = ("reporter", "found", "read_it", "beside")
    actions = ["dismiss", "delete_message", "mute_author", "ban_author"]

    @admin.display(description="Reported by", ordering="by__username")
    def reporter(self, flag: MessageFlag) -> str:
        """Who reported it."""
        return str(flag.by or ("a rule" if flag.source == RULE else "somebody who is gone"))

    @admin.display(description="Found")
    def found(self, flag: MessageFlag) -> str:
        """What a program says of it."""
        sure = f"{flag.score:.2f}" if flag.score is not None else ""
        return " ".join(filter(None, (flag.source, flag.label, sure))) or "-"

    @admin.display(description="Message")
    def read_it(self, flag: MessageFlag) -> SafeString:
        """Where the message is read."""
        at = reverse("admin:chat_messageflag_read", args=[flag.id])
        return format_html('<a href="{}">Read it, with what stands around it</a>: asks why, for the audit log', at)

    @admin.display(description="Beside it")
    def beside(self, flag: MessageFlag) -> str:
        """How much else was reported."""
        others = MessageFlag.objects.exclude(id=flag.id)
        message = others.filter(chat=flag.chat_id, message_id=flag.message_id).count()
        author = others.filter(author=flag.author_id).count() if flag.author_id else 0
        return f"{message} other reports of this message, {author} of its author, of any time"

    @admin.action(description="Dismiss: nothing is to be done", permissions=ACT)
    def dismiss(self, request: HttpRequest, chosen: "QuerySet[MessageFlag]") -> None:
        """Close reports."""
        each(request, chosen, lambda flag: reviews.dismiss(flag.id, by=actor(request)))

    @admin.action(description="Delete the message, and close all reports of it", permissions=ACT)
    def delete_message(self, request: HttpRequest, chosen: "QuerySet[MessageFlag]") -> None:
        """Leave only tombstones."""
        once = {(flag.chat_id, flag.message_id): flag for flag in chosen}.values()
        each(request, once, lambda flag: reviews.delete_message(flag.id, by=actor(request)))

    @admin.action(description="Mute the author in the chat for a day", permissions=ACT)
    def mute_author(self, request: HttpRequest, chosen: "QuerySet[MessageFlag]") -> None:
        """Let authors post nothing for a day."""
        now = datetime.now(UTC)
        each(request, chosen, lambda flag: reviews.mute_author(flag.id, by=actor(request), now=now))

    @admin.action(description="Ban the author from the chat", permissions=ACT)
    def ban_author(self, request: HttpRequest, chosen: "QuerySet[MessageFlag]") -> None:
        """Take authors out of chats for good."""
        each(request, chosen, lambda flag: reviews.ban_author(flag.id, by=actor(request)))

    def get_urls(self) -> list[URLPattern]:
        """The admin's own, and the page on which a message is read."""
        read = path("<uuid:flag_id>/read/", self.admin_site.admin_view(self.read), name="chat_messageflag_read")
        return [read, *super().get_urls()]

    def read(self, request: HttpRequest, flag_id: UUID) -> HttpResponse:
        """Ask why, then show the message among its neighbours."""
        if not self.has_act_permission(request):
            raise PermissionDenied
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "Read a reported message",
            "opts": self.opts,
            "flag_id": flag_id,
        }
        if request.method == "POST":
            try:
                shown = reviews.read(flag_id, why=request.POST.get("why", ""), by=actor(request))
            except DomainError as error:
                context["problem"] = error.detail
            else:
                context["rows"] = _rows(shown, flag_id)
        return TemplateResponse(request, "admin/chat/messageflag/read.html", context)


def _rows(shown: Sequence[MessageState], flag_id: UUID) -> list[dict[str, object]]:
    """What the page shows of messages, the reported one among them."""
    senders = {UUID(state.sender_id) for state in shown if state.sender_id}
    names = {str(user.id): str(user) for user in User.objects.filter(id__in=senders)}
    it = MessageFlag.objects.filter(id=flag_id).values_list("message_id", flat=True).first()
    return [
        {
            "at": state.created_at,
            "who": names.get(state.sender_id or "", "somebody who is gone"),
            "text": "(deleted)" if state.is_deleted else whole_text(state.content, state.poll),
            "is_it": state.message_id == it,
        }
        for state in shown
    ]
