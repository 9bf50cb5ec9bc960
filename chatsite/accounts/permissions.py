"""What a request may do by how it says whose it is."""

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.request import Request

from chatsite.accounts.api_tokens import require_scope
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
            area = getattr(view, "scope", None)
            require_scope(request.auth, area and f"{area}:{'read' if request.method in SAFE_METHODS else 'write'}")
        return True
