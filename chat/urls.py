"""Addresses of the chat's REST."""

from django.urls import path

from chat.api.acknowledgements import AcknowledgementsView, AcknowledgementView, ToAcknowledgeView
from chat.api.bot_commands import AnswersView, BotCommandsView, ChatCommandsView, MyCommandsView
from chat.api.chats import ChatsView, ChatView, DirectView, FavouriteView, NotificationsView, ReceiptView, RestoreView
from chat.api.digests import MailDigestView, TryMailDigestView
from chat.api.directory import JoinView, PublicChatsView
from chat.api.drafts import DraftsView, DraftView
from chat.api.flags import FlagView
from chat.api.folders import ChatFolderView, FoldersView, FolderView
from chat.api.forwards import ForwardView
from chat.api.invites import InvitesView, InviteView
from chat.api.link_previews import PreviewsView
from chat.api.messages import EditsView, MessagesView, MessageView
from chat.api.outgoing import DeliveriesView, OneOutgoingView, OutgoingView, ReplayView, ResumeView
from chat.api.participants import BansView, BanView, LeaveView, ParticipantsView, ParticipantView
from chat.api.pins import PinsView, PinView
from chat.api.polls import ClosePollView, VotersView, VoteView
from chat.api.push import PushSubscriptionsView, PushSubscriptionView, TryPushView
from chat.api.reactions import ReactionsView, ReactionView
from chat.api.reads import ReadPositionsView, ReadView, UnreadWhyView
from chat.api.reminders import RemindersView, ReminderView, RemindView
from chat.api.scheduled import OneScheduledView, ScheduledView, ScheduleView
from chat.api.search import SearchView
from chat.api.stars import ChatStarsView, StarsView, StarView
from chat.api.templates import FilledView, TemplatesView, TemplateView
from chat.api.threads import FollowView, ThreadReadView, ThreadsView, ThreadView
from chat.api.webhooks import HookView, WebhooksView, WebhookView

urlpatterns = [
    path("chats", ChatsView.as_view()),
    path("chats/direct", DirectView.as_view()),
    path("chats/public", PublicChatsView.as_view()),
    path("chats/<str:chat_id>", ChatView.as_view()),
    path("chats/<str:chat_id>/join", JoinView.as_view()),
    path("chats/<str:chat_id>/restore", RestoreView.as_view()),
    path("chats/<str:chat_id>/notifications", NotificationsView.as_view()),
    path("chats/<str:chat_id>/draft", DraftView.as_view()),
    path("chats/<str:chat_id>/favourite", FavouriteView.as_view()),
    path("chats/<str:chat_id>/folder", ChatFolderView.as_view()),
    path("chats/<str:chat_id>/messages", MessagesView.as_view()),
    path("chats/<str:chat_id>/messages/<str:message_id>", MessageView.as_view()),
    path("chats/<str:chat_id>/messages/<str:message_id>/edits", EditsView.as_view()),
    path("chats/<str:chat_id>/messages/<str:message_id>/flag", FlagView.as_view()),
    path("chats/<str:chat_id>/messages/<str:message_id>/forward", ForwardView.as_view()),
    path("chats/<str:chat_id>/messages/<str:message_id>/thread", ThreadView.as_view()),
    path("chats/<str:chat_id>/messages/<str:message_id>/thread/follow", FollowView.as_view()),
    path("chats/<str:chat_id>/messages/<str:message_id>/thread/read", ThreadReadView.as_view()),
    path("chats/<str:chat_id>/messages/<str:message_id>/reactions", ReactionsView.as_view()),
    path("chats/<str:chat_id>/messages/<str:message_id>/reactions/<str:emoji>", ReactionView.as_view()),
    path("chats/<str:chat_id>/messages/<str:message_id>/acknowledgement", AcknowledgementView.as_view()),
    path("chats/<str:chat_id>/messages/<str:message_id>/acknowledgements", AcknowledgementsView.as_view()),
    path("chats/<str:chat_id>/messages/<str:message_id>/previews", PreviewsView.as_view()),
    path("chats/<str:chat_id>/messages/<str:message_id>/star", StarView.as_view()),
    path("chats/<str:chat_id>/messages/<str:message_id>/reminders", RemindView.as_view()),
    path("chats/<str:chat_id>/stars", ChatStarsView.as_view()),
    path("chats/<str:chat_id>/polls/<str:poll_id>/vote", VoteView.as_view()),
    path("chats/<str:chat_id>/polls/<str:poll_id>/voters", VotersView.as_view()),
    path("chats/<str:chat_id>/polls/<str:poll_id>/close", ClosePollView.as_view()),
    path("chats/<str:chat_id>/pins", PinsView.as_view()),
    path("chats/<str:chat_id>/pins/<str:message_id>", PinView.as_view()),
    path("chats/<str:chat_id>/commands", ChatCommandsView.as_view()),
    path("chats/<str:chat_id>/participants", ParticipantsView.as_view()),
    path("chats/<str:chat_id>/participants/<str:user_id>", ParticipantView.as_view()),
    path("chats/<str:chat_id>/leave", LeaveView.as_view()),
    path("chats/<str:chat_id>/bans", BansView.as_view()),
    path("chats/<str:chat_id>/bans/<str:banned_id>", BanView.as_view()),
    path("chats/<str:chat_id>/invites", InvitesView.as_view()),
    path("chats/<str:chat_id>/scheduled", ScheduleView.as_view()),
    path("chats/<str:chat_id>/webhooks", WebhooksView.as_view()),
    path("chats/<str:chat_id>/webhooks/<str:webhook_id>", WebhookView.as_view()),
    path("chats/<str:chat_id>/outgoing-webhooks", OutgoingView.as_view()),
    path("chats/<str:chat_id>/outgoing-webhooks/<str:webhook_id>", OneOutgoingView.as_view()),
    path("chats/<str:chat_id>/outgoing-webhooks/<str:webhook_id>/resume", ResumeView.as_view()),
    path("chats/<str:chat_id>/outgoing-webhooks/<str:webhook_id>/deliveries", DeliveriesView.as_view()),
    path(
        "chats/<str:chat_id>/outgoing-webhooks/<str:webhook_id>/deliveries/<str:delivery_id>/replay",
        ReplayView.as_view(),
    ),
    path("hooks/<uuid:webhook_id>/<str:secret>", HookView.as_view()),
    path("chats/<str:chat_id>/read", ReadView.as_view()),
    path("chats/<str:chat_id>/read-positions", ReadPositionsView.as_view()),
    path("chats/<str:chat_id>/unread/why", UnreadWhyView.as_view()),
    path("me/acknowledgements", ToAcknowledgeView.as_view()),
    path("invocations/<uuid:invocation_id>/answers", AnswersView.as_view()),
    path("bots/<uuid:bot_id>/commands", BotCommandsView.as_view()),
    path("me/commands", MyCommandsView.as_view()),
    path("me/drafts", DraftsView.as_view()),
    path("me/folders", FoldersView.as_view()),
    path("me/folders/<uuid:folder_id>", FolderView.as_view()),
    path("me/mail-digest", MailDigestView.as_view()),
    path("me/mail-digest/test", TryMailDigestView.as_view()),
    path("me/push-subscriptions", PushSubscriptionsView.as_view()),
    path("me/push-subscriptions/<uuid:subscription_id>", PushSubscriptionView.as_view()),
    path("me/push-subscriptions/<uuid:subscription_id>/test", TryPushView.as_view()),
    path("me/reminders", RemindersView.as_view()),
    path("me/reminders/<uuid:reminder_id>", ReminderView.as_view()),
    path("me/scheduled", ScheduledView.as_view()),
    path("me/scheduled/<uuid:scheduled_id>", OneScheduledView.as_view()),
    path("me/stars", StarsView.as_view()),
    path("me/threads", ThreadsView.as_view()),
    path("invites/<str:code>", InviteView.as_view()),
    path("templates", TemplatesView.as_view()),
    path("templates/<uuid:template_id>", TemplateView.as_view()),
    path("templates/<uuid:template_id>/filled", FilledView.as_view()),
    path("search/messages", SearchView.as_view()),
    path("receipts/<uuid:receipt_id>", ReceiptView.as_view()),
]
