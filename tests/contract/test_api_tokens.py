"""What an API token needs to stand: the whole secret, its time, and a person who is still there."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chatsite.accounts import api_tokens
from chatsite.accounts.commands import api_tokens as commands
from chatsite.accounts.models import ApiToken, SignIn, User
from chatsite.kernel.errors import Unauthenticated

pytestmark = pytest.mark.django_db


@pytest.fixture
def made() -> tuple[User, ApiToken, str]:
    """A person with a token for a day."""
    ada = User.objects.create(username="ada")
    token, text = commands.make(ada.id, name="CI", scopes=["connect", "chats:read"], days=1, by=ada.id)
    return ada, token, text


def test_it_says_whose_it_is_and_what_it_may(made: tuple[User, ApiToken, str]) -> None:
    ada, token, text = made
    sign_in, read = api_tokens.require(text, now=timezone.now())
    assert (sign_in.user, read.user_id, read.scopes) == (ada, ada.id, frozenset(["connect", "chats:read"]))
    assert token.scopes == ["chats:read", "connect"], "in the order of the table, whatever was asked"
    secret = text.split("_", 2)[2]  # It may hold such signs itself.
    assert secret not in str(ApiToken.objects.values().get())


def test_it_ends_with_its_time(made: tuple[User, ApiToken, str]) -> None:
    _, token, text = made
    api_tokens.require(text, now=token.expires_at - timedelta(seconds=1))
    with pytest.raises(Unauthenticated) as refused:
        api_tokens.require(text, now=token.expires_at)
    assert refused.value.code == "token_expired"


def test_it_ends_with_its_person(made: tuple[User, ApiToken, str]) -> None:
    ada, _, text = made
    User.objects.filter(id=ada.id).update(is_active=False)
    with pytest.raises(Unauthenticated, match="revoked"):
        api_tokens.require(text, now=timezone.now())


def test_another_secret_is_none(made: tuple[User, ApiToken, str]) -> None:
    _, _, text = made
    other = api_tokens.new().text
    for wrong in (text[:-4] + "aaaa", other[:38] + text[38:], text[:38] + other[38:], text.upper(), ""):
        with pytest.raises(Unauthenticated, match="not one of this server"):
            api_tokens.require(wrong, now=timezone.now())


def test_its_last_use_is_known_to_ten_minutes(made: tuple[User, ApiToken, str]) -> None:
    _, token, text = made
    before = SignIn.objects.get(api_token=token).used_at
    api_tokens.require(text, now=before + timedelta(minutes=9))
    assert SignIn.objects.get(api_token=token).used_at == before
    api_tokens.require(text, now=before + timedelta(minutes=11))
    assert SignIn.objects.get(api_token=token).used_at == before + timedelta(minutes=11)
