"""Runs a management command for which a device is gone after 20 s: `python -m tests.bench.hurried serve ...`."""

import sys

import django
from django.core.management import execute_from_command_line

from presence import policy

TTL_SECONDS = 20.0

if __name__ == "__main__":
    django.setup()
    policy.TTL_MS, policy.STALL_MS = int(TTL_SECONDS * 1_000), int(TTL_SECONDS * 500)
    execute_from_command_line(["manage.py", *sys.argv[1:]])
