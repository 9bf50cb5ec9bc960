"""The pages that one-time links open: a form, and what came of it."""

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from chatsite.accounts import links
from chatsite.accounts.commands import passwords
from chatsite.accounts.forms import PasswordForm
from chatsite.accounts.models import OneTimeLink
from chatsite.kernel.errors import DomainError, Invalid


@method_decorator(never_cache, name="dispatch")
class _LinkPage(View):
    """A form behind a link; to look at it does not use the link up."""

    purpose: ClassVar[links.Purpose]
    form: ClassVar[type[forms.Form]]
    title: ClassVar[str]
    text: ClassVar[str]
    button: ClassVar[str]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """The empty form, or that the link is no good."""
        link = self.find(token)
        return _gone(request) if link is None else self._shown(request, self.form(initial=self.initial(link)))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Do what the form says, once."""
        link = self.find(token)
        if link is None:
            return _gone(request)
        form = self.form(request.POST)
        if form.is_valid():
            try:
                done = self.do(link, form.cleaned_data)
                return render(request, "accounts/form.html", {"title": "Done", "text": done})
            except DomainError as error:
                if self.find(token) is None:  # Somebody else was faster with the same link.
                    return _gone(request)
                named = error.field if isinstance(error, Invalid) and error.field in form.fields else None
                form.add_error(named, error.detail.removeprefix(f"{named}: "))
        return self._shown(request, form, status=400)

    def find(self, token: str) -> OneTimeLink | None:
        """The link of a token while it is good."""
        return links.find(self.purpose, token)

    def initial(self, link: OneTimeLink) -> dict[str, Any]:
        """What the form is filled with."""
        return {}

    def do(self, link: OneTimeLink, data: dict[str, Any]) -> str:
        """Use the link; answers what to tell."""
        raise NotImplementedError

    def _shown(self, request: HttpRequest, form: forms.Form, *, status: int = 200) -> HttpResponse:
        shown = {"title": self.title, "text": self.text, "button": self.button, "form": form}
        return render(request, "accounts/form.html", shown, status=status)


class ResetPage(_LinkPage):
    """A new password in place of a forgotten one."""

    purpose = links.Purpose.RESET
    form = PasswordForm
    title = "A new password"
    text = "You will be signed out everywhere."
    button = "Set the password"

    def do(self, link: OneTimeLink, data: dict[str, Any]) -> str:
        """Set it."""
        user = passwords.reset(links.token_of(link), password=data["password"])
        return f"Sign in as {user.username} with the new password."


def _gone(request: HttpRequest) -> HttpResponse:
    shown = {"title": "This link opens nothing", "text": "It is wrong, was used already, or is too old."}
    return render(request, "accounts/form.html", shown, status=404)
