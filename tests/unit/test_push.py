"""Notes for browsers, against the example of RFC 8291 (appendix A)."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key

from chat import push
from chatsite.kernel.errors import Invalid

P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl9"
    "5bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_a_note_is_encrypted_as_the_example_is() -> None:
    key = derive_private_key(int.from_bytes(push.bytes_of(PRIVATE)), SECP256R1())
    note = b"When I grow up, I want to be a watermelon"
    body = push.encrypted(note, p256dh=P256DH, auth=AUTH, key=key, salt=push.bytes_of(SALT))
    assert push.text_of(body) == BODY


@pytest.mark.parametrize(
    ("p256dh", "auth", "field"),
    [
        ("", AUTH, "p256dh"),
        ("AAAA", AUTH, "p256dh"),
        ("é", AUTH, "p256dh"),
        (P256DH[:-4] + "AAAA", AUTH, "p256dh"),  # It is not on the curve.
        (P256DH, "short", "auth"),
        (P256DH, "", "auth"),
    ],
)
def test_what_is_no_key_is_refused(p256dh: str, auth: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        push.require_keys(p256dh, auth)
    assert refused.value.field == field
