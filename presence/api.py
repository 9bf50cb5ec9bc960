"""REST of presence."""

from datetime import UTC, datetime, time
from typing import Any

from asgiref.sync import async_to_sync
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from chatsite.accounts.api import body_of, text_field, viewer
from chatsite.kernel.errors import Invalid
from chatsite.kernel.events import iso
from presence import commands, describe, queries
from presence.commands import Choose, QuietHours
from presence.frames import read_moment
from presence.models import Presence
from presence.policy import Shown
from presence.protocol import MAX_WATCHED
from presence.tracker import tracker


@describe.presence
class PresenceView(APIView):
    """Who is there."""

    scope = "people"

    def get(self, request: Request) -> Response:
        """The presence of some people, as far as one may see it, in the order asked for; strangers look like nobody."""
        users = list(dict.fromkeys(request.query_params.getlist("user")))
        if len(users) > MAX_WATCHED:
            raise Invalid(f"at most {MAX_WATCHED} people.", field="user")
        found = async_to_sync(queries.seen_by)(str(viewer(request).id), users)
        return Response({"presence": [_shown(user, found[user]) for user in users]})


@describe.own_presence
class OwnPresenceView(APIView):
    """What one shows others."""

    scope = "people"

    def get(self, request: Request) -> Response:
        """One's choice of presence, whether or not one is there."""
        return Response(_own(queries.find(viewer(request).id)))

    def patch(self, request: Request) -> Response:
        """Choose one's presence: status, text, until when; quiet hours; whether others see when one was seen last."""
        user, body = viewer(request).id, body_of(request)
        row = queries.find(user)
        quiet = _quiet(body["quiet_hours"]) if "quiet_hours" in body else None
        shows = _flag(body, "shows_last_seen") if "shows_last_seen" in body else None
        if body.keys() & {"status", "text", "until"}:
            row = commands.choose(user, _choice(body, row))
        if "quiet_hours" in body:
            row = commands.keep_quiet(user, quiet)
        if shows is not None:
            row = commands.show_last_seen(user, shows=shows)
        async_to_sync(tracker.take_over)(row)
        return Response(_own(row))


def _choice(body: dict[str, Any], before: Presence) -> Choose:
    """What a body asks for, for good where it names no moment; a text alone leaves the status."""
    text = body.get("text", "" if "status" in body else before.text)
    until = body.get("until")
    if not isinstance(text, str):
        raise Invalid("expected a string.", field="text")
    if until is not None and not isinstance(until, str):
        raise Invalid("a moment as ISO 8601, or null.", field="until")
    status = text_field(body, "status") if "status" in body else before.status
    return Choose(status=status, text=text, until=read_moment(until))


def _quiet(value: Any) -> QuietHours | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Invalid("start, end and time_zone, or null.", field="quiet_hours")
    return QuietHours(_time(value, "start"), _time(value, "end"), text_field(value, "time_zone", limit=64))


def _time(value: dict[str, Any], name: str) -> time:
    try:
        return datetime.strptime(text_field(value, name), "%H:%M").time()  # noqa: DTZ007 - the zone stands beside it
    except ValueError:
        raise Invalid("a time of day like 22:00.", field=name) from None


def _flag(body: dict[str, Any], name: str) -> bool:
    if not isinstance(value := body[name], bool):
        raise Invalid("true or false.", field=name)
    return value


def _shown(user: str, shown: Shown) -> dict[str, Any]:
    return {
        "user_id": user,
        "status": str(shown.status),
        "last_seen": iso(shown.last_seen_ms) if shown.last_seen_ms else None,
        "version": shown.version,
        "text": shown.text,
    }


def _own(row: Presence) -> dict[str, Any]:
    quiet = None
    if row.quiet_start is not None and row.quiet_end is not None:
        quiet = {
            "start": row.quiet_start.strftime("%H:%M"),
            "end": row.quiet_end.strftime("%H:%M"),
            "time_zone": row.time_zone,
        }
    holds = row.until is None or row.until > datetime.now(UTC)
    return {
        "user_id": str(row.user_id),
        "status": row.status if holds else "ONLINE",
        "text": row.text if holds else "",
        "until": iso(int(row.until.timestamp() * 1_000)) if row.until and holds else None,
        "quiet_hours": quiet,
        "shows_last_seen": row.shows_last_seen,
        "version": row.version,
    }
