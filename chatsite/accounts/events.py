"""The facts of a person that their own devices hear of. Pure."""

from typing import Any, ClassVar, Literal

from chatsite.kernel.events import Audience, Payload, event

StateKind = Literal[
    "preferences",
    "sessions",
    "mute",
    "star",
    "favourite",
    "draft",
    "folder",
    "folders",
    "scheduled",
    "reminder",
    "thread",
    "command",
    "answer",
]


@event
class PersonStateChanged(Payload, frozen=True, kw_only=True, rename="camel"):
    """Something that only the person sees is now as `state` says."""

    event_type: ClassVar[str] = "person.state.changed.v1"
    audience: ClassVar[Audience] = "person"
    user_id: str
    kind: StateKind
    state: dict[str, Any]
