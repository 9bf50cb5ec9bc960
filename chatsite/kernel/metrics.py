"""The series of /metrics that are ours; each is counted where it happens."""

from typing import Any

from django.http import HttpRequest
from django_prometheus.middleware import PrometheusAfterMiddleware
from prometheus_client import Counter, Gauge, Histogram

from chatsite.kernel.middleware import OnTheLoop

active_sessions = Gauge("chat_ws_active_sessions", "WebSockets that are signed in.")
long_polls = Gauge("chat_long_polls", "Requests that wait until something happens.")
messages_ingested = Counter("chat_messages_ingested_total", "Messages accepted and durable.")
fanout_latency_ms = Histogram(
    "chat_messages_fanout_latency_ms",
    "From accepting a message to writing it to the sockets of one process, in ms.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 150, 250, 500, 1_000, 2_500, 5_000, 10_000),
)
log_append_seconds = Histogram(
    "chat_log_append_seconds",
    "A commit of the log with all that waited for it, in seconds.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
consumer_lag = Gauge("chat_consumer_lag", "Records that a group has not finished.", ["group"])
ws_dropped = Counter("chat_ws_dropped_total", "WebSockets that the server ended.", ["reason"])
ws_resumes = Counter("chat_ws_resumes_total", "Subscriptions, by what became of their cursor.", ["result"])
presence_online = Gauge("presence_online_users", "People with a connection, over all servers: each says the same.")
presence_transitions = Counter("presence_transitions_total", "Changes of what others see of people.", ["status"])
presence_sweep_seconds = Histogram(
    "presence_sweep_seconds",
    "A turn of looking for people who are gone, in seconds.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0),
)

presence_grpc_calls = Counter("presence_grpc_calls_total", "Calls of other services that ended.", ["method", "code"])
presence_grpc_streams = Gauge("presence_grpc_streams", "Streams of other services.", ["method"])


class MetricsMiddleware(OnTheLoop, PrometheusAfterMiddleware):
    """django-prometheus's counts of requests, without its four hops through a thread."""

    async def process_view(self, request: HttpRequest, *view: Any) -> None:
        """Count by view."""
        super().process_view(request, *view)

    async def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Count by error."""
        super().process_exception(request, exception)
