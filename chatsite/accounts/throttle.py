"""How often one sign-in may ask over REST."""

from typing import TYPE_CHECKING

from asgiref.sync import async_to_sync
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from chatsite.accounts.tokens import Token
from chatsite.kernel.limits import Ask, require, rule

if TYPE_CHECKING:  # The module of views reads this one through the settings.
    from rest_framework.views import APIView


class SignInThrottle(BaseThrottle):
    """Counts requests by sign-in; who is nobody was counted by address before."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """True, or RateLimited with when to come again."""
        if isinstance(request.auth, Token):
            async_to_sync(require)(Ask(rule("requests"), str(request.auth.sign_in_id)))
        return True
