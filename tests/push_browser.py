"""A browser as a push service and a server see it: it subscribes, and reads what comes."""

import json
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDH, SECP256R1, EllipticCurvePublicKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chat.push import bytes_of, point_of, text_of
from tests.receiver import Receiver


class Browser:
    """A browser that subscribes, and reads what comes as RFC 8291 says."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver, self.key, self.auth = receiver, generate_private_key(SECP256R1()), bytes(range(16))

    @property
    def subscription(self) -> dict[str, Any]:
        """What its PushSubscription is as JSON."""
        keys = {"p256dh": text_of(point_of(self.key.public_key())), "auth": text_of(self.auth)}
        return {"endpoint": self.receiver.url, "expirationTime": None, "keys": keys}

    async def next(self, *, server_key: str) -> tuple[dict[str, str], dict[str, Any]]:
        """The headers of the next request, and its note."""
        headers, body = await self.receiver.next()
        token, _, key = headers["authorization"].removeprefix("vapid t=").partition(", k=")
        assert key == server_key
        signer = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), bytes_of(key))
        origin = self.receiver.url.partition("/chat")[0]
        jwt.decode(token, signer, algorithms=["ES256"], audience=origin, options={"require": ["exp", "sub"]})
        return headers, json.loads(self._read(body))

    def _read(self, body: bytes) -> bytes:
        salt, theirs, sealed = body[:16], body[21:86], body[86:]
        shared = self.key.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), theirs))
        info = b"WebPush: info\0" + point_of(self.key.public_key()) + theirs
        secret = HKDF(hashes.SHA256(), 32, salt=self.auth, info=info).derive(shared)
        key = HKDF(hashes.SHA256(), 16, salt=salt, info=b"Content-Encoding: aes128gcm\0").derive(secret)
        nonce = HKDF(hashes.SHA256(), 12, salt=salt, info=b"Content-Encoding: nonce\0").derive(secret)
        return AESGCM(key).decrypt(nonce, sealed, None).removesuffix(b"\2")
