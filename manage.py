#!/usr/bin/env python
"""Runs the management commands, in the shape that CHAT_SHAPE names."""

import os
import sys

from django.core.management import execute_from_command_line

from chatsite.settings.registry import settings_module

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    execute_from_command_line(sys.argv)
