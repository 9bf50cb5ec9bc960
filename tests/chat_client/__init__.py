"""The twin in Python of the client in `chat/web/static/chat-client`: the same promises and names.

Both play the scripts of tests/conformance. `Network` connects it to a real server:

    async with Network() as network:
        client = ChatClient(url="wss://chat.example/ws/chat/", ticket=ticket, on=Mine(), env=network)
        client.follow([chat])
        client.start()
        client.post(room_id=chat, content="hello")
"""

from tests.chat_client.client import ChatClient, NoTicket, SignedOut
from tests.chat_client.fold import fold, ordered
from tests.chat_client.listener import Listener
from tests.chat_client.network import Network
from tests.chat_client.outbox import Entry, Outbox

__all__ = ["ChatClient", "Entry", "Listener", "Network", "NoTicket", "Outbox", "SignedOut", "fold", "ordered"]
