from django.db import migrations, models


def choose(apps, schema_editor):
    apps.get_model("chat", "Chat").objects.filter(participant_count__gt=50).update(mode="activity")


class Migration(migrations.Migration):
    dependencies = [("chat", "0005_erased_members")]

    operations = [
        migrations.AddField(
            model_name="chat",
            name="mode",
            field=models.CharField(choices=[("full", "full"), ("activity", "activity")], default="full", max_length=8),
        ),
        migrations.RunPython(choose, migrations.RunPython.noop),
    ]
