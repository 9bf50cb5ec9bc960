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
    path("users", UsersView.as_view()),
    path("users/<uuid:user_id>", UserView.as_view()),
    path("auth/jwks.json", KeysView.as_view()),
    path("server", ServerView.as_view()),
]
