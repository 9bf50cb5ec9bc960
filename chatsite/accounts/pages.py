"""The pages that one-time links open: a form, and what came of it."""

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from chatsite.accounts import links
from chatsite.accounts.commands import invites, passwords
from chatsite.accounts.forms import JoinForm, PasswordForm, SetupForm
from chatsite.accounts.models import OneTimeLink
from chatsite.kernel.errors import DomainError, Invalid


@method_decorator(never_cache, name="dispatch")
class _LinkPage(View):
    """A form behind a link; to look at it does not use the link up."""

    purpose: ClassVar[links.Purpose]
    form: ClassVar[type[forms.Form]]
    title: ClassVar[str]
    button: ClassVar[str]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """The empty form, or that the link is no good."""
        link = self.find(token)
        return _gone(request) if link is None else self._shown(request, link, self.form(initial=self.initial(link)))

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
        return self._shown(request, link, form, status=400)

    def find(self, token: str) -> OneTimeLink | None:
        """The link of a token while it is good."""
        return links.find(self.purpose, token)

    def initial(self, link: OneTimeLink) -> dict[str, Any]:
        """What the form is filled with."""
        return {}

    def do(self, link: OneTimeLink, data: dict[str, Any]) -> str:
        """Use the link; answers what to tell."""
        raise NotImplementedError

    def about(self, link: OneTimeLink) -> str:
        """What is told above the form."""
        raise NotImplementedError

    def _shown(self, request: HttpRequest, link: OneTimeLink, form: forms.Form, *, status: int = 200) -> HttpResponse:
        shown = {"title": self.title, "text": self.about(link), "button": self.button, "form": form}
        return render(request, "accounts/form.html", shown, status=status)


class ResetPage(_LinkPage):
    """A new password in place of a forgotten one."""

    purpose = links.Purpose.RESET
    form = PasswordForm
    title = "A new password"
    button = "Set the password"

    def about(self, link: OneTimeLink) -> str:
        """Whose it is."""
        return f"For {link.user}. You will be signed out everywhere."

    def do(self, link: OneTimeLink, data: dict[str, Any]) -> str:
        """Set it."""
        user = passwords.reset(links.token_of(link), password=data["password"])
        return f"Sign in as {user.username} with the new password."


class JoinPage(_LinkPage):
    """An invitation to a company."""

    purpose = links.Purpose.JOIN
    form = JoinForm
    title = "Join the chat"
    button = "Join"

    def about(self, link: OneTimeLink) -> str:
        """Who invites."""
        return f"You are invited by {link.company}."

    def initial(self, link: OneTimeLink) -> dict[str, Any]:
        """A name to sign in with, to be changed at will."""
        return {"username": link.email.partition("@")[0]}

    def do(self, link: OneTimeLink, data: dict[str, Any]) -> str:
        """Become one of the company."""
        user = invites.join(link, username=data["username"], name=data["name"], password=data["password"])
        return f"Welcome. Sign in as {user.username}."


class SetupPage(_LinkPage):
    """The first administrator of an installation."""

    purpose = links.Purpose.SETUP
    form = SetupForm
    title = "Set up the chat"
    button = "Set it up"

    def find(self, token: str) -> OneTimeLink | None:
        """The link, until there is an administrator however made."""
        return None if invites.has_staff() else super().find(token)

    def about(self, link: OneTimeLink) -> str:
        """What comes of it."""
        return "You make the first company and become its administrator."

    def do(self, link: OneTimeLink, data: dict[str, Any]) -> str:
        """Make the company and its administrator."""
        fields = ("company", "username", "name", "email", "password")
        user = invites.set_up(link, **{name: data[name] for name in fields})
        return f"Sign in as {user.username}, here or at /admin/. Invite the others there."


def _gone(request: HttpRequest) -> HttpResponse:
    shown = {"title": "This link opens nothing", "text": "It is wrong, was used already, or is too old."}
    return render(request, "accounts/form.html", shown, status=404)
