"""What the accounts' frames hold that are sent to clients."""

from chatsite.gateway.told import PLACE, tells, tells_state
from chatsite.kernel.openapi import NUMBER, UUID, many

tells(
    "ME",
    "One's preferences are these, by name.",
    {"kind": {"const": "preferences"}, "version": NUMBER, "state": {"type": "object"}, **PLACE},
)
tells_state("sessions", "The sign-ins of one's own that stand are these.", {"ids": many(UUID)})
