"""Telegram: what its exports hold becomes chats here."""
