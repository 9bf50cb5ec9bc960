"""The ASGI application: HTTP by Django, WebSockets by Channels."""

import os
from collections.abc import Awaitable
from typing import Any

from django.core.asgi import get_asgi_application

from chatsite.settings.registry import settings_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
http = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402 - after the apps are loaded
from django.conf import settings  # noqa: E402
from uvicorn._types import ASGI3Application  # noqa: E402
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware  # noqa: E402

from chatsite.gateway.consumer import ChatConsumer, Receive, refuse_elsewhere  # noqa: E402
from chatsite.gateway.outlets import Send  # noqa: E402
from chatsite.kernel.addresses import networks, with_mapped  # noqa: E402
from chatsite.kernel.threads import in_threads  # noqa: E402


def behind_proxies(app: ASGI3Application, trusted: list[str]) -> ProxyHeadersMiddleware:
    """An app whose scopes name the client and scheme that trusted proxies tell, whatever server runs it."""
    return ProxyHeadersMiddleware(app, trusted_hosts=with_mapped(networks(trusted)))


CHAT = "/ws/chat/"


def sockets(scope: dict[str, Any], receive: Receive, send: Send) -> Awaitable[None]:
    """The one address where there are WebSockets; Channels' router matches patterns and copies the scope for it.

    Nothing is awaited here: each coroutine between the server and the consumer takes a quarter KiB of each socket.
    """
    is_chat = scope["path"].removeprefix(scope.get("root_path", "")) == CHAT
    return (ChatConsumer() if is_chat else refuse_elsewhere)(scope, receive, send)


application = behind_proxies(
    ProtocolTypeRouter(
        {
            "http": in_threads(http),
            "websocket": sockets,
        },
    ),
    settings.TRUSTED_PROXIES,
)
