"""Every error a client can meet, one class per different reaction.

    DomainError
    ├── Invalid          bad_frame, unknown_type, invalid_field       mend the request
    ├── Unauthenticated  unauthenticated, token_expired, ...          sign in or renew
    ├── Forbidden        forbidden, ...                               visible, not allowed
    ├── NotFound         not_found                                    absent or not theirs
    ├── Conflict         conflict, archived, last_owner, ...          the state forbids it
    ├── TooLarge         too_large
    ├── ContentRefused   content_refused                              say it otherwise
    ├── KeyReused        nonce_reused, idempotency_reused             same key, other body
    ├── RateLimited      rate_limited, too_many_connections           wait
    ├── NotSupported     not_supported                                a later version's field
    ├── Unavailable      log_unavailable, store_unavailable, ...      retry, same nonce
    └── Internal         internal                                     a bug of ours

Commands raise; each edge translates in one place. `CODES` is the one table:
HTTP status, whether a retry can help, the default sentence, and what a client does.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """One row of the table of errors."""

    status: int
    retryable: bool
    sentence: str
    then: str  # what a client does


CODES: dict[str, Code] = {
    "bad_frame": Code(400, False, "The frame is not a JSON object with a type.", "Send a JSON object."),
    "unknown_type": Code(
        400, False, "There is no frame or request of this type.", "Look up the type, or the method of the address."
    ),
    "invalid_field": Code(
        400, False, "A field is wrong.", "Mend the field that `errors` names, or a frame's `message`."
    ),
    "unauthenticated": Code(401, False, "Sign in first.", "Sign in, and send the access token."),
    "token_expired": Code(
        401,
        False,
        "The token has expired; renew it.",
        "Renew the access token, and ask again; of an API token make another.",
    ),
    "ticket_invalid": Code(
        401, False, "The ticket is unknown, used or expired; get a new one.", "Get a new ticket, and connect anew."
    ),
    "forbidden": Code(
        403,
        False,
        "Your role does not allow this.",
        "Let it be, or ask somebody with a higher role; of an API token look at its scopes.",
    ),
    "muted": Code(403, True, "You are muted in this chat.", "Wait until `muted_until` of the chat."),
    "read_only": Code(
        403, False, "Only some roles may post here.", "Let it be: `permissions` of the chat say who may post."
    ),
    "slow_mode": Code(
        429, True, "This chat is in slow mode.", "Send it again after Retry-After, or retryAfterMs of a frame."
    ),
    "not_found": Code(
        404,
        False,
        "There is no such thing, or it is not yours to see.",
        "Forget it, or ask who is in the chat to be let in.",
    ),
    "conflict": Code(409, False, "The present state does not allow this.", "Read how it is now, and think again."),
    "archived": Code(409, False, "The chat is archived.", "Let somebody restore the chat first."),
    "last_owner": Code(409, False, "The last owner cannot leave or be demoted.", "Make somebody else an owner first."),
    "edit_window": Code(409, False, "The time for editing has passed.", "Let it stand."),
    "precondition_failed": Code(412, False, "It has changed since you read it.", "Read it again, and change that."),
    "too_large": Code(413, False, "It is larger than allowed.", "Send less: 256 KiB a request, 64 KiB a frame."),
    "unsupported_media": Code(
        415, False, "This kind of content is not accepted.", "Send JSON, with Content-Type: application/json."
    ),
    "content_refused": Code(
        422,
        False,
        "A rule of this server does not allow this text; say it otherwise.",
        "Let its author say it otherwise.",
    ),
    "nonce_reused": Code(422, False, "This nonce was used for another body.", "Take a new nonce for a new message."),
    "idempotency_reused": Code(
        422, False, "This Idempotency-Key was used for another body.", "Take a new key for a new request."
    ),
    "rate_limited": Code(
        429, True, "Too many requests; wait.", "Send it again after Retry-After, or retryAfterMs of a frame."
    ),
    "too_many_connections": Code(429, True, "Too many connections.", "Close connections, or wait."),
    "not_supported": Code(501, False, "This field belongs to a later version of the server.", "Leave the field out."),
    "log_unavailable": Code(
        503,
        True,
        "The event log does not answer; retry with the same nonce.",
        "Send it again, later and later, with the same nonce or key.",
    ),
    "store_unavailable": Code(
        503, True, "The message store does not answer yet; retry.", "Ask again, later and later."
    ),
    "lagging": Code(
        503,
        True,
        "Delivery is behind; retry with the same nonce.",
        "Send it again, later and later, with the same nonce or key.",
    ),
    "clock_skew": Code(
        503,
        True,
        "The server's clock stepped back; retry with the same nonce.",
        "Send it again, later and later, with the same nonce or key.",
    ),
    "draining": Code(
        503,
        True,
        "The server is stopping; reconnect and retry.",
        "Connect anew, and send it again with the same nonce or key.",
    ),
    "internal": Code(
        500,
        False,
        "Something broke here; the request id finds it in the log.",
        "Report it, with the request id; sending it again may fail again.",
    ),
}


class DomainError(Exception):
    """A refusal with a code of the table; `detail` says which and why."""

    codes: tuple[str, ...] = ()

    def __init__(self, detail: str = "", *, code: str | None = None, retry_after_ms: int | None = None) -> None:
        self.code = code or self.codes[0]
        self.detail = detail or CODES[self.code].sentence
        self.retry_after_ms = retry_after_ms
        super().__init__(self.detail)

    @property
    def status(self) -> int:
        """The HTTP status of this code."""
        return CODES[self.code].status


class Invalid(DomainError):
    """The request is malformed; `field` names the part at fault."""

    codes = ("invalid_field", "bad_frame", "unknown_type")

    def __init__(self, detail: str = "", *, field: str | None = None, code: str | None = None) -> None:
        super().__init__(f"{field}: {detail}" if field and detail else detail, code=code)
        self.field = field


class Unauthenticated(DomainError):
    """Nobody is signed in, or no longer."""

    codes = ("unauthenticated", "token_expired", "ticket_invalid")


class Forbidden(DomainError):
    """The person may see it but not do this to it."""

    codes = ("forbidden", "muted", "read_only", "slow_mode")


class NotFound(DomainError):
    """It is absent or not theirs to see: the same answer for both."""

    codes = ("not_found",)


class Conflict(DomainError):
    """The state of the thing forbids it."""

    codes = ("conflict", "archived", "last_owner", "edit_window")


class PreconditionFailed(DomainError):
    """The caller's version of the thing is not the present one."""

    codes = ("precondition_failed",)


class TooLarge(DomainError):
    """It is over a limit of size."""

    codes = ("too_large",)


class UnsupportedMedia(DomainError):
    """The content type is not one we read."""

    codes = ("unsupported_media",)


class ContentRefused(DomainError):
    """A rule of staff does not let this text be said."""

    codes = ("content_refused",)


class KeyReused(DomainError):
    """A key that promises "the same request again" came with another body."""

    codes = ("nonce_reused", "idempotency_reused")


class RateLimited(DomainError):
    """The caller asks too often."""

    codes = ("rate_limited", "too_many_connections")


class NotSupported(DomainError):
    """A field that only a later version understands."""

    codes = ("not_supported",)


class Unavailable(DomainError):
    """Accepted or not, nobody knows: retry with the same nonce."""

    codes = ("log_unavailable", "store_unavailable", "lagging", "clock_skew", "draining")


class Internal(DomainError):
    """A bug of ours; the request id leads to it."""

    codes = ("internal",)
