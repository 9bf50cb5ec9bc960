"""What may not stand in the log: Django names the address of each request that it refuses."""

import logging
import re

# What follows these opens an account or a chat, or speaks in one, and a refusal leaves it good.
_SECRET = re.compile(r"(/(?:reset|join|setup|mail-digest|api/invites|api/hooks/[^\s/]+)/)[^\s/?]+")


class WithoutTokens(logging.Filter):
    """Cuts the tokens of links out of a line, whoever writes it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every line through, without its tokens."""
        said = record.getMessage()
        if (told := _SECRET.sub(r"\1...", said)) != said:
            record.msg, record.args = told, ()
        return True
