"""What names, addresses and preferences may be. Pure."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from chatsite.kernel.errors import Invalid

MAX_NAME = 100
MAX_USERNAME = 64
MAX_EMAIL = 254
MAX_AVATAR = 200
MAX_PREFERENCES_BYTES = 8 * 1024  # of all together, as JSON; every device of the person gets them with each change
MAX_PREFERENCES = 100
MAX_DEPTH = 4
_USERNAME = re.compile(r"[\w.@+-]+")
_GROUP_NAME = re.compile(r"[\w.-]+")
_EMAIL = re.compile(r"[^\s@<>\"(),:;\\]+@[^\s@<>\"(),:;\\]+")
_PREFERENCE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def printable(text: str) -> str:
    """A text without what breaks a line or turns the direction of writing."""
    return "".join(letter for letter in text if letter.isprintable()).strip()


def require_name(text: str, *, field: str = "name", limit: int = MAX_NAME) -> str:
    """A shown name, printable and not empty."""
    clean = printable(text)
    if not clean or len(clean) > limit:
        raise Invalid(f"1 to {limit} printable characters.", field=field)
    return clean


def require_username(text: str) -> str:
    """A name to sign in with."""
    if len(text) > MAX_USERNAME or not _USERNAME.fullmatch(text):
        raise Invalid(f"1 to {MAX_USERNAME} letters, digits and . @ + - _", field="username")
    return text


def require_group_name(text: str) -> str:
    """A name of a user group in lower case, as it is written behind an @; not one that means somebody else."""
    name = text.lower()
    if len(name) > MAX_USERNAME or not _GROUP_NAME.fullmatch(name):
        raise Invalid(f"1 to {MAX_USERNAME} letters, digits and . - _", field="name")
    if name in ("all", "here"):
        raise Invalid("means others already.", field="name")
    return name


def require_email(text: str) -> str:
    """A mail address in lower case, or nothing."""
    if text and (len(text) > MAX_EMAIL or not _EMAIL.fullmatch(text) or not text.isprintable()):
        raise Invalid("expected a mail address.", field="email")
    return text.lower()


def require_avatar(text: str) -> str:
    """The https address of a picture, or nothing."""
    if text and (len(text) > MAX_AVATAR or not text.startswith("https://") or not re.fullmatch(r"[!-~]+", text)):
        raise Invalid(f"expected an https address of at most {MAX_AVATAR} characters.", field="avatar")
    return text


def merged(present: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Preferences after a change: what it names is replaced, null takes away, the rest stays."""
    if not all(_PREFERENCE.fullmatch(name) for name in change):
        raise Invalid("names have 1 to 64 letters, digits and . - _", field="preferences")
    after = {name: value for name, value in {**present, **change}.items() if value is not None}
    if not _fits(after, levels=MAX_DEPTH):
        raise Invalid(f"at most {MAX_DEPTH} levels.", field="preferences")
    if len(after) > MAX_PREFERENCES or len(msgspec.json.encode(after)) > MAX_PREFERENCES_BYTES:
        raise Invalid(f"at most {MAX_PREFERENCES} and {MAX_PREFERENCES_BYTES} bytes.", field="preferences")
    return after


def _fits(value: Any, *, levels: int) -> bool:
    match value:
        case dict():
            return levels > 0 and all(_fits(inner, levels=levels - 1) for inner in value.values())
        case list():
            return levels > 0 and all(_fits(inner, levels=levels - 1) for inner in value)
    return True
