"""Addresses of the chat's REST."""

from django.urls import path

from chat.api.chats import ChatsView, ChatView, LeaveView, ParticipantsView, ParticipantView
from chat.api.messages import MessagesView, MessageView

urlpatterns = [
    path("chats", ChatsView.as_view()),
    path("chats/<str:chat_id>", ChatView.as_view()),
    path("chats/<str:chat_id>/messages", MessagesView.as_view()),
    path("chats/<str:chat_id>/messages/<str:message_id>", MessageView.as_view()),
    path("chats/<str:chat_id>/participants", ParticipantsView.as_view()),
    path("chats/<str:chat_id>/participants/<str:user_id>", ParticipantView.as_view()),
    path("chats/<str:chat_id>/leave", LeaveView.as_view()),
]
