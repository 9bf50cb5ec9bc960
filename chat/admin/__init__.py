"""The admin of chats: it shows who is in them, never what is said, and calls commands to change them."""

from chat.admin import chats, participants, receipts  # noqa: F401 - importing registers
