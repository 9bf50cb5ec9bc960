"""What the accounts' frames hold that are sent to clients."""

from chatsite.accounts.protocol import StateMeFrame
from chatsite.gateway.told import tells_struct

tells_struct(StateMeFrame, stamped=True)
