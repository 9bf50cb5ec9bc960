"""The shape that CHAT_SHAPE names as the tests run it: cheap passwords, a throw-away data folder."""

import atexit
import os
import shutil
import tempfile
from importlib import import_module

if "CHAT_DATA" not in os.environ:
    os.environ["CHAT_DATA"] = tempfile.mkdtemp(prefix="chat-test-")
    atexit.register(shutil.rmtree, os.environ["CHAT_DATA"], ignore_errors=True)

from chatsite.settings.limits import LIMITS as TABLE

# Limits hold, but the suite talks faster than people do; tests of limits name their own.
os.environ.setdefault("CHAT_LIMIT_RULES", ",".join(f"{name}=1000/10000" for name in TABLE))

from chatsite.settings.embedded import *  # noqa: F403
from chatsite.settings.postgres import postgres
from chatsite.settings.registry import settings_module

if settings_module() != "chatsite.settings.embedded":
    shape = vars(import_module(settings_module()))
    globals().update({name: value for name, value in shape.items() if name.isupper()})

GATEWAY["STRICT"] = os.environ.get("CHAT_TEST_STRICT", "on") == "on"  # The bench measures what others run.
# Servers of tests show their errors and make their keys, in the shape cluster too.
SILENCED_SYSTEM_CHECKS += ["chatsite.E001", "chatsite.E002"]
# Argon2 costs 50 ms by design, and each test signs people in.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# As where DEBUG is off: each window of a browser loads a hundred files, and nobody changes them meanwhile.
SERVESTATIC_AUTOREFRESH, SERVESTATIC_MAX_AGE = False, 60
# The contract suites run over every twin in one process.
if "CHAT_TEST_POSTGRES" in os.environ:
    DATABASES["postgres"] = postgres(os.environ["CHAT_TEST_POSTGRES"], schema="public", pool=None)
    DATABASE_ROUTERS = ["tests.routers.ContractRouter", *DATABASE_ROUTERS]
# Files, not memory: the port's threads have connections of their own.
for alias, database in DATABASES.items():
    if "sqlite3" in str(database["ENGINE"]):
        if GATEWAY["STRICT"]:
            database["ENGINE"] = "tests.sqlite"
        database["TEST"] = {"NAME": str(DATA / f"test-{alias}.sqlite3")}
