"""Notifier over Web Push: RFC 8030, encrypted as RFC 8291 says and signed as RFC 8292 does."""

import os
import time
from functools import cached_property
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as new_key
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from chat import push
from chat.notifiers import Address
from chatsite.kernel import outbound
from chatsite.kernel.addresses import networks

KEPT_SECONDS = 600  # by the push service, for a browser that is away
SIGNED_SECONDS = 3_600


class WebPush:
    """Notifier that asks the push service of each browser's maker.

    Its key follows from `secret`, so every process has the same one and a backup of that brings it back.
    """

    def __init__(self, *, secret: str, contact: str) -> None:
        self._secret, self._contact = secret, contact

    @property
    def key(self) -> str:
        return push.text_of(push.point_of(self._signer.public_key()))

    async def send(self, note: bytes, address: Address, *, topic: str) -> int:
        body = push.encrypted(
            note, p256dh=address.p256dh, auth=address.auth, key=new_key(SECP256R1()), salt=os.urandom(16)
        )
        headers = {
            "Authorization": self._authorization(address.endpoint),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(KEPT_SECONDS),
            "Topic": topic,
            "Urgency": "high",
        }
        return await outbound.post(address.endpoint, body, headers, allowed=networks(settings.WEBHOOK_ALLOW))

    @cached_property
    def _signer(self) -> EllipticCurvePrivateKey:
        derived = HKDF(hashes.SHA256(), 32, salt=None, info=b"chatsite web push").derive(self._secret.encode())
        return derive_private_key(int.from_bytes(derived) % push.MOST_PRIVATE + 1, SECP256R1())

    def _authorization(self, endpoint: str) -> str:
        whole = urlsplit(endpoint)
        claims = {
            "aud": f"{whole.scheme}://{whole.netloc}",
            "exp": int(time.time()) + SIGNED_SECONDS,
            "sub": self._contact,
        }
        return f"vapid t={jwt.encode(claims, self._signer, algorithm='ES256')}, k={self.key}"
