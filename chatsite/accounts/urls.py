"""Addresses of people and sign-in."""

from django.urls import path

from chatsite.accounts.api import (
    KeysView,
    LogoutView,
    MeView,
    PasswordView,
    RefreshView,
    ResetConfirmView,
    ResetView,
    ServerView,
    SessionsView,
    SessionView,
    TicketView,
    TokenView,
    UsersView,
    UserView,
)
from chatsite.accounts.bots_api import ApiTokensView, ApiTokenView, BotsView, BotTokensView, BotTokenView, BotView
from chatsite.accounts.user_groups_api import UserGroupsView, UserGroupView

urlpatterns = [
    path("auth/token", TokenView.as_view()),
    path("auth/token/refresh", RefreshView.as_view()),
    path("auth/logout", LogoutView.as_view()),
    path("auth/ws-ticket", TicketView.as_view()),
    path("auth/password/reset", ResetView.as_view()),
    path("auth/password/reset/confirm", ResetConfirmView.as_view()),
    path("me", MeView.as_view()),
    path("me/password", PasswordView.as_view()),
    path("me/sessions", SessionsView.as_view()),
    path("me/sessions/<uuid:sign_in_id>", SessionView.as_view()),
    path("me/tokens", ApiTokensView.as_view()),
    path("me/tokens/<uuid:token_id>", ApiTokenView.as_view()),
    path("bots", BotsView.as_view()),
    path("bots/<uuid:bot_id>", BotView.as_view()),
    path("bots/<uuid:bot_id>/tokens", BotTokensView.as_view()),
    path("bots/<uuid:bot_id>/tokens/<uuid:token_id>", BotTokenView.as_view()),
    path("user-groups", UserGroupsView.as_view()),
    path("user-groups/<uuid:group_id>", UserGroupView.as_view()),
    path("users", UsersView.as_view()),
    path("users/<uuid:user_id>", UserView.as_view()),
    path("auth/jwks.json", KeysView.as_view()),
    path("server", ServerView.as_view()),
]
