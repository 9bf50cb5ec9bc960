"""What the frames of presence hold that are sent to clients."""

from chatsite.gateway.told import answers_with, explains, sends, tells_struct
from chatsite.kernel.openapi import NUMBER
from presence.protocol import PresenceFrame

explains("PRESENCE_SET", "`status` is ONLINE, AWAY, DND or INVISIBLE; `until` has its offset from UTC.")
explains("PRESENCE_WATCH", "It has no answer of its own: PRESENCE of each of them comes, 200 people at most.")
sends("PRESENCE_WATCH", userIds=["7d5b1c1e-9a0e-4a51-8f5e-0e6f0f6a1b11"])
sends("PRESENCE_SET", ref="5", status="DND", text="Writing", until="2027-01-04T08:00:00Z")
tells_struct(PresenceFrame, stamped=False, closed={"status": ["ONLINE", "AWAY", "DND", "OFFLINE"]})
answers_with(["PRESENCE_SET"], "ACK", {"version": NUMBER}, optional=["ref"])
