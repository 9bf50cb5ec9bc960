"""The table of rate limits: what each counts, tokens a second, and how many a full bucket holds."""

from typing import NamedTuple


class Limit(NamedTuple):
    """A token bucket for each of what it counts."""

    rate: float  # tokens a second
    burst: float  # tokens at once
    counts: str


LIMITS = {
    "sends": Limit(10, 30, "messages of a person in a chat"),
    "person_sends": Limit(20, 60, "messages of a person in all chats"),
    "chat_sends": Limit(100, 300, "messages of all people in a chat"),
    "frames": Limit(20, 200, "other frames of a person, and errors; ten rooms of a SUBSCRIBE cost as much as a frame"),
    "handshakes": Limit(20, 200, "WebSocket handshakes of an address"),
    "requests": Limit(20, 100, "REST requests of a sign-in"),
    "searches": Limit(3, 30, "searches of a person"),
    "address_requests": Limit(50, 300, "REST requests of an address"),
    "tickets": Limit(1, 30, "tickets of a sign-in"),
    "sign_ins": Limit(1, 30, "tries to sign in from an address; an office may share one"),
    "guesses": Limit(1 / 30, 10, "wrong passwords for a name from an address, wherever they are typed"),
    "resets": Limit(1 / 60, 5, "mails for a forgotten password, asked for from an address"),
    "mail_tests": Limit(1 / 60, 3, "mails to try a digest, asked for by a person"),
    "name_guesses": Limit(1 / 10, 100, "wrong passwords for a name from anywhere"),
}


def read_limits(text: str) -> list[str]:
    """The whole table as `name=rate/burst`, changed by a text like `sends=5/20, frames=10/50`."""
    table = {name: (limit.rate, limit.burst) for name, limit in LIMITS.items()}
    for word in filter(None, (word.strip() for word in text.split(","))):
        name, _, numbers = word.partition("=")
        if name not in table:
            raise ValueError(f"there is no limit {name!r}, only {', '.join(LIMITS)}")
        rate, _, burst = numbers.partition("/")
        table[name] = (float(rate), float(burst))
        if not (0 < table[name][0] < 1e6 and 1 <= table[name][1] < 1e6):
            raise ValueError(f"{name} needs a rate above 0 and a burst of at least 1")
    return [f"{name}={rate:g}/{burst:g}" for name, (rate, burst) in table.items()]


def limits_of(words: list[str]) -> dict[str, tuple[float, float]]:
    """Rate and burst of each limit, from what `read_limits` made."""
    parts = (word.partition("=") for word in words)
    return {name: (float(numbers.split("/")[0]), float(numbers.split("/")[1])) for name, _, numbers in parts}
