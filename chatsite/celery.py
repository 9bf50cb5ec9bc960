"""Celery, in the shapes standard and cluster: chores, and what is tidied every hour.

celery -A chatsite worker        celery -A chatsite beat
"""

import os

from celery import Celery

from chatsite.settings.registry import settings_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())

app = Celery("chatsite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["chatsite"])
