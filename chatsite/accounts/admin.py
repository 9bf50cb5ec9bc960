"""The admin of people and companies: it shows rows, and calls commands to change them."""

from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ActionForm
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from chatsite.accounts.commands import companies, invites, passwords, people, sign_ins
from chatsite.accounts.models import AuditEntry, Company, CompanyMember, SignIn, User
from chatsite.accounts.staff.rows import Shown, each, staff_of
from chatsite.kernel.errors import Invalid

SHOWN_SIGN_INS = 50


class _SignInsInline(Shown, admin.TabularInline):  # type: ignore[type-arg]
    model = SignIn
    fields = readonly_fields = ("user_agent", "address", "created_at", "used_at", "revoked_at")
    ordering = ("-used_at",)
    verbose_name_plural = "sign-ins"

    def get_queryset(self, request: HttpRequest) -> "QuerySet[SignIn]":
        """The latest used of each person."""
        found = super().get_queryset(request)
        if request.resolver_match and (user_id := request.resolver_match.kwargs.get("object_id")):
            latest = SignIn.objects.filter(user=user_id).order_by("-used_at").values("id")[:SHOWN_SIGN_INS]
            return found.filter(id__in=latest)
        return found


class _CompaniesInline(Shown, admin.TabularInline):  # type: ignore[type-arg]
    model = CompanyMember
    fields = readonly_fields = ("company", "joined_at")
    verbose_name_plural = "companies"


class _PeopleActions(ActionForm):
    company = forms.ModelChoiceField(Company.objects.order_by("name"), required=False)


class _CompanyActions(ActionForm):
    email = forms.EmailField(required=False, label="Mail address:")


@admin.register(User)
class UserAdmin(Shown, admin.ModelAdmin):  # type: ignore[type-arg]
    """People."""

    list_display = ("username", "name", "email", "is_active", "is_staff", "created_at")
    list_filter = ("is_active", "is_staff", "companies")
    search_fields = ("username", "name", "email")
    ordering = ("username",)
    fields = ("id", "username", "name", "email", "avatar", "is_active", "is_staff", "created_at", "last_login")
    inlines = (_CompaniesInline, _SignInsInline)
    action_form = _PeopleActions
    actions = [
        "deactivate", "reactivate", "end_sign_ins", "send_reset", "add_to_company", "remove_from_company",
        "make_staff", "unmake_staff",
    ]  # fmt: skip

    @admin.action(description="Deactivate: end every sign-in, and let nobody sign in")
    def deactivate(self, request: HttpRequest, chosen: "QuerySet[User]") -> None:
        """Let people do nothing more."""
        each(request, chosen, lambda user: people.deactivate(user.id, by=staff_of(request).id))

    @admin.action(description="Reactivate")
    def reactivate(self, request: HttpRequest, chosen: "QuerySet[User]") -> None:
        """Let people sign in again."""
        each(request, chosen, lambda user: people.reactivate(user.id, by=staff_of(request).id))

    @admin.action(description="End every sign-in")
    def end_sign_ins(self, request: HttpRequest, chosen: "QuerySet[User]") -> None:
        """Sign people out everywhere."""
        each(request, chosen, lambda user: sign_ins.end_all(user.id, by=staff_of(request).id))

    @admin.action(description="Mail a link to set a new password")
    def send_reset(self, request: HttpRequest, chosen: "QuerySet[User]") -> None:
        """Help people who forgot their password."""
        each(request, chosen, lambda user: passwords.send_reset(user.id, by=staff_of(request).id))

    @admin.action(description="Add to the company chosen beside this")
    def add_to_company(self, request: HttpRequest, chosen: "QuerySet[User]") -> None:
        """Put people in a company."""
        each(request, chosen, lambda user: companies.add(_company(request), user_id=user.id, by=staff_of(request).id))

    @admin.action(description="Remove from the company chosen beside this")
    def remove_from_company(self, request: HttpRequest, chosen: "QuerySet[User]") -> None:
        """Take people out of a company."""
        each(
            request, chosen, lambda user: companies.remove(_company(request), user_id=user.id, by=staff_of(request).id)
        )

    @admin.action(description="Make an administrator")
    def make_staff(self, request: HttpRequest, chosen: "QuerySet[User]") -> None:
        """Let people look after the installation."""
        each(request, chosen, lambda user: people.make_staff(user.id, by=staff_of(request).id))

    @admin.action(description="Be no administrator any more")
    def unmake_staff(self, request: HttpRequest, chosen: "QuerySet[User]") -> None:
        """Let people look after nothing more."""
        each(request, chosen, lambda user: people.unmake_staff(user.id, by=staff_of(request).id))


@admin.register(Company)
class CompanyAdmin(Shown, admin.ModelAdmin):  # type: ignore[type-arg]
    """Companies."""

    list_display = ("name", "created_at")
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("id", "name", "created_at")
    action_form = _CompanyActions
    actions = ["invite"]

    @admin.action(description="Invite the person with this mail address")
    def invite(self, request: HttpRequest, chosen: "QuerySet[Company]") -> None:
        """Mail somebody a link to join."""
        email = request.POST.get("email", "")
        each(request, chosen, lambda company: invites.invite(email, company_id=company.id, by=staff_of(request).id))


@admin.register(AuditEntry)
class AuditEntryAdmin(Shown, admin.ModelAdmin):  # type: ignore[type-arg]
    """Who did what to whom."""

    list_display = fields = ("number", "at", "kind", "actor", "subject", "detail")
    list_filter = ("kind", "at")
    search_fields = ("subject", "kind")
    ordering = ("-number",)
    show_full_result_count = False  # Counting every entry for each page would cost more than the page.


def _company(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("company", ""))
    except ValueError:
        raise Invalid("choose one.", field="company") from None


admin.site.unregister(Group)  # Nobody's rights depend on groups.
