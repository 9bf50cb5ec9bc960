"""The page that the link in a mail of what was missed opens."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from chat.commands import digests
from chatsite.kernel.errors import NotFound

_TEXTS = {
    "ask": ("No more mails", "Shall nothing more of what you missed in the chat be mailed to you?"),
    "done": ("Done", "You are mailed nothing more. In your account you can ask for it again."),
    "wrong": ("This link opens nothing", "It is not whole, or not of this chat."),
}


# A mail program posts without having looked at the page, as RFC 8058 says; the link itself is the secret.
@method_decorator([csrf_exempt, never_cache], name="dispatch")
class MailDigestOffPage(View):
    """Switching mails off without signing in; to look at it changes nothing, for programs look at links."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """A button."""
        try:
            digests.whose(token)
        except NotFound:
            return _told(request, "wrong", status=404)
        return _told(request, "ask", form=forms.Form())

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Switch them off; once they are, it changes nothing."""
        try:
            digests.stop(token)
        except NotFound:
            return _told(request, "wrong", status=404)
        return _told(request, "done")


def _told(request: HttpRequest, what: str, *, form: forms.Form | None = None, status: int = 200) -> HttpResponse:
    title, text = _TEXTS[what]
    shown = {"title": title, "text": text, "form": form, "button": "Switch them off"}
    return render(request, "accounts/form.html", shown, status=status)
