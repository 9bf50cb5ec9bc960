"""What follows from the facts of a chat: history, delivery, previews."""
