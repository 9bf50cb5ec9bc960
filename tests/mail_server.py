"""A mail server of this machine: it keeps what comes, or refuses it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class MailServer:
    """What came, in order; while it refuses it names whom the mail was for, as many do."""

    port: int = 0
    refusal: int | None = None  # the code that it answers, where it refuses
    came: "asyncio.Queue[EmailMessage]" = field(default_factory=asyncio.Queue)
    refused: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)

    @property
    def settings(self) -> dict[str, str]:
        """What makes an installation hand its mails over here."""
        return {"CHAT_SMTP_HOST": "127.0.0.1", "CHAT_SMTP_PORT": str(self.port), "CHAT_SMTP_SECURITY": "none"}

    async def next(self) -> EmailMessage:
        """The next mail."""
        async with asyncio.timeout(30):
            return await self.came.get()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).decode().strip():
            match line.split(" ")[0].upper():
                case "RCPT" if self.refusal:
                    self.refused.put_nowait(line)
                    writer.write(f"{self.refusal} no: {line}\r\n".encode())
                case "DATA":
                    writer.write(b"354 go on\r\n")
                    body = (await reader.readuntil(b"\r\n.\r\n")).removesuffix(b".\r\n")
                    self.came.put_nowait(message_from_bytes(body, policy=policy.default))
                    writer.write(b"250 taken\r\n")
                case "QUIT":
                    writer.write(b"221 bye\r\n")
                    break
                case _:
                    writer.write(b"250 yes\r\n")
        writer.close()


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """A mail server on a free port."""
    served = MailServer()
    async with await asyncio.start_server(served.serve, "127.0.0.1", 0) as server:
        served.port = server.sockets[0].getsockname()[1]
        yield served
