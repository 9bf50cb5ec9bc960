"""What a request may do by how it says whose it is."""

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.request import Request

from chatsite.accounts.api_tokens import SCOPES, require_scope
from chatsite.accounts.tokens import Token

if TYPE_CHECKING:  # The module of views reads this one through the settings.
    from rest_framework.views import APIView


class InScope(IsAuthenticated):
    """Lets in who has signed in, and API tokens with a view's `scope`, to read or to write; others are for people."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """True, or False for nobody; Forbidden for a token without the scope."""
        if not super().has_permission(request, view):
            return False
        if isinstance(request.auth, Token):
            require_scope(request.auth, needed(request.method or "", getattr(view, "scope", None)))
        return True


def needed(method: str, scope: str | None) -> str | None:
    """The scope for what is asked: a view's own, or that of its area to read or to write there."""
    if scope is None or scope in SCOPES:
        return scope
    return f"{scope}:{'read' if method in SAFE_METHODS else 'write'}"
