"""Which tables the contract suites' PostgreSQL database holds: those of log, store and search."""

from typing import Any

from django.apps import apps


class ContractRouter:
    """Puts the tables of log, store and search into the database `postgres`, and nothing else."""

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool | None:
        """Whether a table stands in a database; None where it is another one."""
        if db != "postgres":
            return None
        if model_name is None:
            return bool(hints.get("search"))
        try:
            model = apps.get_model(app_label, model_name)
        except LookupError:
            return False
        return getattr(model, "in_both_databases", False) or getattr(model, "database", "default") == "messages"
