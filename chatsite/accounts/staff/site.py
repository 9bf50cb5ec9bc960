"""The admin site: log-in and change of password go through our commands."""

from functools import partial
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from chatsite.accounts.commands import passwords, sign_ins
from chatsite.accounts.hashing import hashing
from chatsite.accounts.models import User
from chatsite.kernel.addresses import clean_address
from chatsite.kernel.errors import DomainError, Invalid, RateLimited


def address_of(request: HttpRequest | None) -> str:
    """Where a request comes from."""
    return clean_address(request.META.get("REMOTE_ADDR") if request else None)


class StaffLogInForm(AdminAuthenticationForm):
    """Django's form, behind the gate of hashes and noted in the audit log."""

    def clean(self) -> dict[str, Any]:
        """Refuse who is not staff."""
        username = self.cleaned_data.get("username", "")
        try:
            guesses = sign_ins.take_guess(username, address_of(self.request))
            with hashing():
                data = super().clean()
        except RateLimited as error:
            raise ValidationError(error.detail) from None
        except ValidationError:
            sign_ins.note_failure(username)
            raise
        sign_ins.give_back(guesses)
        user = self.get_user()
        if isinstance(user, User):
            sign_ins.note_admin(user)
        return data


class StaffPasswordForm(PasswordChangeForm):
    """Django's form for one's own password; the command judges and keeps it."""

    def __init__(self, *given: Any, address: str, **more: Any) -> None:
        super().__init__(*given, **more)
        self.address = address

    def clean_old_password(self) -> str:
        """Leave it to the command."""
        return str(self.cleaned_data["old_password"])

    def clean(self) -> dict[str, Any]:
        """Change the password, once both new ones are the same."""
        data = super().clean() or {}
        if not self.errors:
            try:
                passwords.change(
                    self.user,
                    old=data["old_password"],
                    new=data["new_password1"],
                    sign_in_id=None,
                    address=self.address,
                )
            except DomainError as error:
                wrong = "new_password1" if isinstance(error, Invalid) and error.field == "new" else "old_password"
                self.add_error(wrong, error.detail)
        return data

    def save(self, commit: bool = True) -> User:
        """What the command kept."""
        self.user.refresh_from_db()
        return self.user


class StaffSite(AdminSite):
    """What staff sees."""

    site_header = site_title = "Chat administration"
    index_title = "Administration"
    login_form = StaffLogInForm

    def has_permission(self, request: HttpRequest) -> bool:
        """Administrators; a role in between belongs to no command yet."""
        return super().has_permission(request) and getattr(request.user, "is_superuser", False)

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        """Change one's own password."""
        view = PasswordChangeView.as_view(
            form_class=partial(StaffPasswordForm, address=address_of(request)),
            success_url=reverse("admin:password_change_done", current_app=self.name),
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return view(request)
