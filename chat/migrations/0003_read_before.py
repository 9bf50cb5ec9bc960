"""What was said before read positions existed counts as read: nobody starts with 99+ everywhere."""

from django.db import connections, migrations

GENERATION_SHIFT = 40  # pos = generation << 40 + offset


def head_of_the_log() -> int:
    """The pos of the newest record, 0 where there is no log yet."""
    if "messages" not in connections:  # The shape cluster has no such database, and nothing older than this.
        return 0
    connection = connections["messages"]
    with connection.cursor() as cursor:
        if "log_partitions" not in connection.introspection.table_names(cursor):
            return 0
        cursor.execute("SELECT generation, head FROM log_partitions")
        row = cursor.fetchone()
    return (row[0] << GENERATION_SHIFT) + row[1] if row else 0


def read_everything(apps, schema_editor):
    if schema_editor.connection.alias == "default":
        apps.get_model("chat", "Participant").objects.filter(last_read_pos=0).update(last_read_pos=head_of_the_log())


class Migration(migrations.Migration):
    dependencies = [("chat", "0002_people_and_rules")]

    operations = [migrations.RunPython(read_everything, migrations.RunPython.noop)]
