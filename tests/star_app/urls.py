"""Our addresses, and those of this app before them."""

from django.urls import path

from chatsite.urls import urlpatterns as ours
from tests.star_app.api import StarsView, StarView

urlpatterns = [
    path("api/star-app/stars", StarsView.as_view()),
    path("api/star-app/chats/<str:chat_id>/messages/<str:message_id>/star", StarView.as_view()),
    *ours,
]
