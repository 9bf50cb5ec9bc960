"""Addresses: the page, REST, health, admin."""

from django.contrib import admin
from django.urls import include, path

from chatsite.views import live, page, ready

urlpatterns = [
    path("", page),
    path("api/", include("chatsite.accounts.urls")),
    path("api/", include("chat.urls")),
    path("health/live", live),
    path("health/ready", ready),
    path("admin/", admin.site.urls),
]
handler404 = "chatsite.kernel.rest.not_found"
