"""Rules over what is said: staff write them here, and commands keep them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from chat.admin.acting import actor
from chat.commands import rules
from chat.models import ModerationRule
from chat.rules import Deed, Kind
from chatsite.accounts.staff.rows import each
from chatsite.kernel.errors import DomainError, Invalid

CHANGE = ["change"]


class _RuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """The command says what can be no rule."""

    class Meta:
        model = ModerationRule
        fields = ("name", "kind", "patterns", "deed", "notice", "company", "chat", "is_active")

    def clean(self) -> dict[str, Any]:
        """Refuse what the command would."""
        data = super().clean() or {}
        if not self.errors:
            try:
                rules.check(self.instance.id, plan_of(data))
            except Invalid as error:
                raise ValidationError({error.field: error.detail} if error.field else error.detail) from None
            except DomainError as error:
                raise ValidationError(error.detail) from None
        return data


def plan_of(data: dict[str, Any]) -> rules.Plan:
    """What a form says that a rule is to be."""
    company, chat = data["company"], data["chat"]
    return rules.Plan(
        name=data["name"],
        kind=Kind(data["kind"]),
        patterns=data["patterns"],
        deed=Deed(data["deed"]),
        notice=data["notice"],
        company_id=company.id if company else None,
        chat_id=chat.id if chat else None,
        is_active=data["is_active"],
    )


@admin.register(ModerationRule)
class ModerationRuleAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rules; what they find is among the reports."""

    form = _RuleForm
    list_display = ("name", "kind", "deed", "company", "chat", "is_active", "created_at")
    list_filter = ("is_active", "kind", "deed")
    list_select_related = ("company", "chat")
    search_fields = ("name", "patterns")
    ordering = ("name",)
    raw_id_fields = ("company", "chat")
    actions = ["turn_on", "turn_off"]

    def save_model(self, request: HttpRequest, obj: ModerationRule, form: Any, change: bool) -> None:
        """Have the command keep it."""
        rules.keep(obj.id, plan_of(form.cleaned_data), by=actor(request))

    def delete_model(self, request: HttpRequest, obj: ModerationRule) -> None:
        """Have the command end it."""
        rules.delete(obj.id, by=actor(request))

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[ModerationRule]") -> None:
        """The same for each."""
        for rule in queryset:
            rules.delete(rule.id, by=actor(request))

    @admin.action(description="Turn on", permissions=CHANGE)
    def turn_on(self, request: HttpRequest, chosen: "QuerySet[ModerationRule]") -> None:
        """Let rules judge what is said from now on."""
        each(request, chosen, lambda rule: rules.switch(rule.id, on=True, by=actor(request)))

    @admin.action(description="Turn off", permissions=CHANGE)
    def turn_off(self, request: HttpRequest, chosen: "QuerySet[ModerationRule]") -> None:
        """Let them judge nothing."""
        each(request, chosen, lambda rule: rules.switch(rule.id, on=False, by=actor(request)))
