"""What the frames of presence hold that are sent to clients."""

from chatsite.gateway.told import answers_with, tells_struct
from chatsite.kernel.openapi import NUMBER
from presence.protocol import PresenceFrame

tells_struct(PresenceFrame, stamped=False)
answers_with(["PRESENCE_SET"], "ACK", {"version": NUMBER}, optional=["ref"])
