#!/usr/bin/env python
"""Runs the management commands; the embedded shape is the default."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings.embedded")
    execute_from_command_line(sys.argv)
