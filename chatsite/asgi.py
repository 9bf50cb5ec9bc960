"""The ASGI application: HTTP by Django, WebSockets by Channels."""

import os

from django.core.asgi import get_asgi_application

from chatsite.settings.registry import settings_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
http = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - after the apps are loaded
from django.conf import settings  # noqa: E402
from django.urls import path, re_path  # noqa: E402
from uvicorn._types import ASGI3Application  # noqa: E402
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware  # noqa: E402

from chatsite.gateway.consumer import ChatConsumer, refuse_elsewhere  # noqa: E402
from chatsite.kernel.addresses import networks, with_mapped  # noqa: E402


def behind_proxies(app: ASGI3Application, trusted: list[str]) -> ProxyHeadersMiddleware:
    """An app whose scopes name the client and scheme that trusted proxies tell, whatever server runs it."""
    return ProxyHeadersMiddleware(app, trusted_hosts=with_mapped(networks(trusted)))


application = behind_proxies(
    ProtocolTypeRouter(
        {
            "http": http,
            "websocket": URLRouter(
                [
                    path("ws/chat/", ChatConsumer.as_asgi()),  # type: ignore[no-untyped-call]
                    re_path("", refuse_elsewhere),  # type: ignore[arg-type]
                ]
            ),
        },
    ),
    settings.TRUSTED_PROXIES,
)
