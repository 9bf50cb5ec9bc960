"""Our settings with one more app: what an installation that extends the product writes."""

from chatsite.settings.test import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "tests.star_app"]  # noqa: F405
ROOT_URLCONF = "tests.star_app.urls"
