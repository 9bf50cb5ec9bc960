"""SQLite that wants a transaction where rows are locked, as PostgreSQL does.

It locks no rows, so Django lets `select_for_update` pass there anywhere; in the shapes with PostgreSQL that is an
error, which no story of the embedded shape would show.
"""

from typing import Any

from django.db.backends.sqlite3 import base, features, operations


class DatabaseFeatures(features.DatabaseFeatures):
    """Every lock that is asked for counts as one."""

    has_select_for_update = True
    has_select_for_update_of = True
    has_select_for_update_skip_locked = True
    has_select_for_no_key_update = True


class DatabaseOperations(operations.DatabaseOperations):
    """Without the words that SQLite does not know."""

    def for_update_sql(self, *_: Any, **__: Any) -> str:
        """Nothing: the transaction that was asked for has locked the whole file."""
        return ""


class DatabaseWrapper(base.DatabaseWrapper):
    """The connections of the tests."""

    features_class = DatabaseFeatures
    ops_class = DatabaseOperations
