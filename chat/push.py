"""How a note is encrypted so that one browser alone can read it, as RFC 8291 and RFC 8188 say. Pure."""

import base64
import binascii

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chatsite.kernel.errors import Invalid

RECORD_SIZE = 4_096  # all is one record
AUTH_BYTES = 16
# One less than the order of the curve: private keys are 1 to this.
MOST_PRIVATE = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632550


def require_keys(p256dh: str, auth: str) -> None:
    """Refuse what no browser gives as its keys; Invalid."""
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), bytes_of(p256dh))
    except ValueError:
        raise Invalid("expected a point of P-256 in base64url.", field="p256dh") from None
    try:
        is_right = len(bytes_of(auth)) == AUTH_BYTES
    except ValueError:
        is_right = False
    if not is_right:
        raise Invalid(f"expected {AUTH_BYTES} bytes in base64url.", field="auth")


def encrypted(note: bytes, *, p256dh: str, auth: str, key: EllipticCurvePrivateKey, salt: bytes) -> bytes:
    """A note as the body of a request; `key` and `salt` (16 bytes) are of this note alone."""
    theirs = bytes_of(p256dh)
    ours = point_of(key.public_key())
    shared = key.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), theirs))
    secret = _derive(shared, 32, salt=bytes_of(auth), info=b"WebPush: info\0" + theirs + ours)
    content_key = _derive(secret, 16, salt=salt, info=b"Content-Encoding: aes128gcm\0")
    nonce = _derive(secret, 12, salt=salt, info=b"Content-Encoding: nonce\0")
    header = salt + RECORD_SIZE.to_bytes(4) + bytes([len(ours)]) + ours
    # The byte 2 ends the last record.
    return header + AESGCM(content_key).encrypt(nonce, note + b"\2", None)


def point_of(key: EllipticCurvePublicKey) -> bytes:
    """A public key as the 65 bytes of its point."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def text_of(raw: bytes) -> str:
    """Bytes in base64url, without the signs that fill it up."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    """The bytes of base64url; ValueError for what is none."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeError) as error:
        raise ValueError(str(error)) from None


def _derive(key: bytes, size: int, *, salt: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), size, salt=salt, info=info).derive(key)
