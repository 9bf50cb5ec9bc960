"""Accounts: people, companies, sign-in, tokens and tickets."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Who somebody is."""

    name = "chatsite.accounts"
    label = "accounts"

    def ready(self) -> None:
        from chatsite.accounts import mail, protocol, told  # noqa: F401 - importing registers
