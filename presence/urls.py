"""Addresses of presence's REST."""

from django.urls import path

from presence.api import OwnPresenceView, PresenceView

urlpatterns = [
    path("presence", PresenceView.as_view()),
    path("me/presence", OwnPresenceView.as_view()),
]
