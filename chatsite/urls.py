"""Addresses: the page, REST, health, admin."""

from django.contrib import admin
from django.urls import include, path

from chat.pages import MailDigestOffPage
from chatsite.accounts.pages import JoinPage, ResetPage, SetupPage
from chatsite.asyncapi import FramesView
from chatsite.asyncapi import docs as frame_docs
from chatsite.gateway.api import EventsView
from chatsite.kernel.rest import not_found
from chatsite.openapi import SchemaView, docs
from chatsite.views import live, metrics, page, page_script, ready, service_worker

urlpatterns = [
    path("", page),
    path("page.js", page_script),
    path("sw.js", service_worker),
    path("api/", include("chatsite.accounts.urls")),
    path("api/", include("chat.urls")),
    path("api/", include("presence.urls")),
    path("api/events", EventsView.as_view()),
    path("api/schema/", SchemaView.as_view()),
    path("api/docs/", docs),
    path("api/schema/ws/", FramesView.as_view()),
    path("api/docs/ws/", frame_docs),
    path("api/", not_found),
    path("api/<path:anything>", not_found),
    path("health/live", live),
    path("health/ready", ready),
    path("reset/<str:token>", ResetPage.as_view()),
    path("join/<str:token>", JoinPage.as_view()),
    path("setup/<str:token>", SetupPage.as_view()),
    path("mail-digest/<str:token>", MailDigestOffPage.as_view()),
    path("metrics", metrics),
    path("admin/", admin.site.urls),
]
