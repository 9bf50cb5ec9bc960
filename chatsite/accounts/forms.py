"""The forms of the pages that one-time links open; the commands judge what is in them."""

from typing import Any

from django import forms

MAX_PASSWORD = 1_000


def _password(label: str) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.CharField(label=label, max_length=MAX_PASSWORD, strip=False, widget=widget)


class PasswordForm(forms.Form):
    """A new password, typed twice."""

    password = _password("Password")
    again = _password("The same again")

    def clean(self) -> dict[str, Any]:
        """Refuse two that differ."""
        data = super().clean() or {}
        if data.get("password") != data.get("again"):
            self.add_error("again", "The two differ.")
        return data


class JoinForm(PasswordForm):
    """Who somebody is."""

    name = forms.CharField(label="Your name", widget=forms.TextInput(attrs={"autocomplete": "name"}))
    username = forms.CharField(
        label="Name to sign in with",
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    field_order = ["name", "username", "password", "again"]


class SetupForm(JoinForm):
    """The first company and its administrator."""

    company = forms.CharField(label="Company", widget=forms.TextInput(attrs={"autocomplete": "organization"}))
    email = forms.CharField(label="Mail address", required=False, help_text="For a forgotten password.")
    field_order = ["company", "name", "username", "email", "password", "again"]
