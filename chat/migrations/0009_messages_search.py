"""The index of the search: tables of its adapters alone, with no model, since it is no record of anything."""

from django.db import migrations

TABLE = """CREATE TABLE messages_search (
  place bigint PRIMARY KEY, chat_id varchar(36) NOT NULL, message_id bigint NOT NULL, version bigint NOT NULL,
  sender_id varchar(36) NOT NULL, is_gone boolean NOT NULL{words})"""
ONE_ROW = "CREATE UNIQUE INDEX one_row_a_message ON messages_search (chat_id, message_id)"
BY_CHAT = "CREATE INDEX search_by_chat ON messages_search (chat_id, place)"


def make(apps, schema_editor):
    is_postgres = schema_editor.connection.vendor == "postgresql"
    schema_editor.execute(TABLE.format(words=", words tsvector" if is_postgres else ""))
    schema_editor.execute(ONE_ROW)
    schema_editor.execute(BY_CHAT)
    if is_postgres:
        schema_editor.execute("CREATE INDEX search_by_word ON messages_search USING gin (words)")
    else:
        schema_editor.execute(
            "CREATE VIRTUAL TABLE messages_search_text USING fts5(words, pairs, facets, tokenize = 'ascii')"
        )


def drop(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        schema_editor.execute("DROP TABLE messages_search_text")
    schema_editor.execute("DROP TABLE messages_search")


class Migration(migrations.Migration):
    dependencies = [("chat", "0008_pins")]

    operations = [migrations.RunPython(make, drop, hints={"search": True})]
