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
