"""The kernel: what every app stands on."""

from django.apps import AppConfig


class KernelConfig(AppConfig):
    """Event log, outbox, groups, nonces, ids, errors."""

    name = "chatsite.kernel"
    label = "kernel"
