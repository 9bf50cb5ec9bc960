"""Keys that the first start makes and keeps in the data folder."""

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


def _read_or_make(path: Path, make: bytes) -> str:
    """The file's text, made on first use; of two processes that race the first one's text stands."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_bytes(make)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # Another process was first: its key is the one to use.
        draft.unlink()
    return path.read_text()


def secret_key(folder: Path) -> str:
    """Django's SECRET_KEY of this installation."""
    return _read_or_make(folder / "secret.key", secrets.token_urlsafe(48).encode())


def token_key(folder: Path) -> str:
    """The Ed25519 private key, in PEM, that signs access and refresh tokens."""
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return _read_or_make(folder / "tokens.pem", pem)
