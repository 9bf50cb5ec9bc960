"""The admin of chats: it shows who is in them and what was reported, and calls commands to change them."""

from chat.admin import chats, flags, participants, receipts, rules  # noqa: F401 - importing registers
