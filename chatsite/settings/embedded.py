"""The embedded shape: SQLite, memory and files, one process, no other server.

The default. It needs no environment variable; the table in `registry.py`
lists what can be set.
"""

from pathlib import Path
from typing import Any

from csp.constants import NONCE, NONE, SELF

from chatsite.settings.keys import secret_key, token_key
from chatsite.settings.limits import limits_of
from chatsite.settings.registry import ROOT, setting

DATA: Path = setting("CHAT_DATA")
DATA.mkdir(parents=True, exist_ok=True)

DEBUG: bool = setting("CHAT_DEBUG")
SECRET_KEY: str = setting("CHAT_SECRET_KEY") or secret_key(DATA)
ALLOWED_HOSTS: list[str] = setting("CHAT_ALLOWED_HOSTS")
ALLOWED_ORIGINS: list[str] = setting("CHAT_ALLOWED_ORIGINS")
TRUSTED_PROXIES: list[str] = setting("CHAT_TRUSTED_PROXIES")
METRICS_ALLOW: list[str] = setting("CHAT_METRICS_ALLOW")
WEBHOOK_ALLOW: list[str] = setting("CHAT_WEBHOOK_ALLOW")
LINK_PREVIEWS: bool = setting("CHAT_LINK_PREVIEWS")
LINK_PREVIEW_ALLOW: list[str] = setting("CHAT_LINK_PREVIEW_ALLOW")
PROMETHEUS_EXPORT_MIGRATIONS = False  # It would ask every database at each start.
REGION: str = setting("CHAT_REGION")
EDIT_WINDOW_SECONDS: int = setting("CHAT_EDIT_WINDOW_SECONDS")
PUBLIC_URL: str = setting("CHAT_URL") or f"http://localhost:{setting('PORT')}"
# Where push services find who sends: a page, or a mail address where the page has no public one.
CONTACT = PUBLIC_URL if PUBLIC_URL.startswith("https:") else f"mailto:{setting('CHAT_MAIL_FROM')}"
# Behind a proxy that ends TLS, forms come with the public origin.
CSRF_TRUSTED_ORIGINS: list[str] = [PUBLIC_URL] if setting("CHAT_URL") else []

INSTALLED_APPS = [
    "chatsite.accounts.staff.apps.StaffConfig",  # django.contrib.admin, on our site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "csp",
    "servestatic",
    "django_prometheus",
    "drf_spectacular",
    "chatsite.kernel",
    "chatsite.gateway",
    "chatsite.accounts",
    "chat",
    "presence",
    "telegram_bridge",
    "chatsite",
]

MIDDLEWARE = [
    "chatsite.kernel.loop_middleware.SecurityMiddleware",
    "chatsite.kernel.headers.SecurityHeadersMiddleware",
    "chatsite.kernel.loop_middleware.CspMiddleware",  # Above what may answer by itself: every answer is protected.
    "chatsite.kernel.loop_middleware.FramingMiddleware",
    "chatsite.kernel.metrics.MetricsMiddleware",
    "chatsite.kernel.rest.RequestIdMiddleware",
    "chatsite.kernel.headers.LimitsMiddleware",
    "chatsite.kernel.loop_middleware.StaticMiddleware",
    "chatsite.kernel.loop_middleware.SessionMiddleware",
    "chatsite.kernel.loop_middleware.CommonMiddleware",
    "chatsite.kernel.loop_middleware.CsrfMiddleware",
    "chatsite.kernel.loop_middleware.UserMiddleware",
    "chatsite.kernel.loop_middleware.MessagesMiddleware",
    "chatsite.kernel.threads.ThreadsMiddleware",
]
REQUESTS_AT_ONCE = 8  # in threads; SQLite has one writer: more of them only get in each other's way

ROOT_URLCONF = "chatsite.urls"
ASGI_APPLICATION = "chatsite.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "chat" / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# WAL with FULL sync: a commit is on the disk before it is answered. IMMEDIATE: a
# transaction that will write takes its lock at once instead of failing half way.
_SQLITE = {
    "ENGINE": "django.db.backends.sqlite3",
    "CONN_MAX_AGE": None,  # as long as its thread
    "OPTIONS": {
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,  # seconds a writer waits for another process's lock
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    },
}
DATABASES = {
    "default": {**_SQLITE, "NAME": DATA / "site.sqlite3"},
    "messages": {**_SQLITE, "NAME": DATA / "messages.sqlite3"},
}
MIGRATE_TOO: tuple[str, ...] = ()  # the commands that make what Django's migrations do not
SHARED = False  # whether several processes serve and run the groups
DATABASE_ROUTERS = ["chatsite.kernel.database.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LOG_KEEP_SECONDS: int = setting("CHAT_LOG_KEEP_SECONDS")
EVENT_LOG = {
    "BACKEND": "chatsite.kernel.eventlog.sql.SqlEventLog",
    "CONFIG": {"alias": "messages", "keep_seconds": LOG_KEEP_SECONDS},
}
OUTBOX = {"BACKEND": "chatsite.kernel.eventlog.sql.SqlEventLog", "CONFIG": {"alias": "default", "keep_seconds": 86_400}}
MESSAGE_STORE = {"BACKEND": "chat.stores.sql.SqlMessageStore", "CONFIG": {"alias": "messages"}}
REACTION_STORE = {"BACKEND": "chat.stores.sql_reactions.SqlReactionStore", "CONFIG": {"alias": "messages"}}
PIN_STORE = {"BACKEND": "chat.stores.sql_pins.SqlPinStore", "CONFIG": {"alias": "messages"}}
TELEGRAM_MAP = {"BACKEND": "telegram_bridge.stores.sql_map.SqlTelegramMap", "CONFIG": {"alias": "messages"}}
READ_STORE = {"BACKEND": "chat.stores.sql_reads.SqlReadStore", "CONFIG": {"alias": "messages"}}
MESSAGE_SEARCH = {
    "BACKEND": f"chat.indexes.{'sql_fts5.Fts5Search' if setting('CHAT_SEARCH') else 'off.NoSearch'}",
    "CONFIG": {"alias": "default"} if setting("CHAT_SEARCH") else {},
}
NOTIFIER = (
    {"BACKEND": "chat.notifiers.push.WebPush", "CONFIG": {"secret": SECRET_KEY, "contact": CONTACT}}
    if setting("CHAT_PUSH")
    else {"BACKEND": "chat.notifiers.off.NoNotifier", "CONFIG": {}}
)
MAIL_DIGEST: bool = setting("CHAT_MAIL_DIGEST")
INBOXES = {"BACKEND": "chat.inboxes.memory.MemoryInboxes", "CONFIG": {}}
ROOM_STREAM = {"BACKEND": "chatsite.gateway.streams.memory.MemoryRoomStream", "CONFIG": {}}
SESSION_REGISTRY = {"BACKEND": "chatsite.gateway.sessions.MemorySessionRegistry", "CONFIG": {}}
PRESENCE_STORE = {"BACKEND": "presence.stores.memory.MemoryPresenceStore", "CONFIG": {}}
NONCES = {"BACKEND": "chatsite.kernel.nonces.MemoryNonces", "CONFIG": {}}
NOTES = {"BACKEND": "chatsite.kernel.notes.MemoryNotes", "CONFIG": {}}
LIMITS = {
    "BACKEND": f"chatsite.kernel.limits.{'MemoryBuckets' if setting('CHAT_LIMITS') else 'NoBuckets'}",
    "CONFIG": {},
}
LIMIT_RULES = limits_of(setting("CHAT_LIMIT_RULES"))
CHANNEL_LAYERS = {
    "default": {"BACKEND": "chatsite.gateway.layers.memory.LocalChannelLayer", "CONFIG": {"capacity": 1_000}}
}

GATEWAY = {
    "WHO_MAY_HEAR": "chat.queries.participants.who_may_hear",
    "HEARD_BY": "chat.queries.participants.heard_by",
    "SUBJECTS_OF": "chat.queries.chats.subjects_of",
    "MODE_OF": "chat.queries.participants.mode_of",
    "FORESEE": "chat.queries.participants.foresee",
    "UNREAD_OF": "chat.queries.activity.unread_of",
    "AUTHENTICATE": "chatsite.accounts.authentication.authenticate",
    "OUTBOUND_BYTES": setting("CHAT_OUTBOUND_BYTES"),
    "CONNECTIONS": setting("CHAT_CONNECTIONS"),
    "ADDRESS_CONNECTIONS": setting("CHAT_ADDRESS_CONNECTIONS"),
    "FEATURES": ["link_previews"] if LINK_PREVIEWS else [],
    "STRICT": False,
}

PRESENCE = {
    "ACQUAINTANCES": "chat.queries.acquaintances.acquaintances",
    "CLOSE_TO": "chat.queries.acquaintances.close_to",
}
WHO_IS_ONLINE = "presence.queries.online_among"  # whom a chat asks when somebody says @here
WHO_MAY_BE_NOTIFIED = "presence.queries.may_be_notified"  # whom the group notifications tells elsewhere
LAST_HERE = "presence.queries.last_here"  # from when on a mail says what somebody missed
PRESENCE_GRPC = {
    "HOST": setting("CHAT_PRESENCE_GRPC_HOST"),
    "PORT": setting("CHAT_PRESENCE_GRPC_PORT"),
    "CALLERS": setting("CHAT_PRESENCE_GRPC_TOKENS"),
    "CERTIFICATE": setting("CHAT_PRESENCE_GRPC_CERTIFICATE"),
    "KEY": setting("CHAT_PRESENCE_GRPC_KEY"),
    "CLIENT_CA": setting("CHAT_PRESENCE_GRPC_CLIENT_CA"),
}

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
TOKENS = {
    "KEY": setting("CHAT_TOKEN_KEY") or token_key(DATA),
    "ISSUER": "chatsite",
    "AUDIENCE": "chatsite",
    "ACCESS_SECONDS": setting("CHAT_ACCESS_TOKEN_SECONDS"),
    "REFRESH_SECONDS": setting("CHAT_REFRESH_TOKEN_SECONDS"),
}

if setting("CHAT_SMTP_HOST"):
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST: str = setting("CHAT_SMTP_HOST")
    EMAIL_PORT: int = setting("CHAT_SMTP_PORT")
    EMAIL_HOST_USER: str = setting("CHAT_SMTP_USER")
    EMAIL_HOST_PASSWORD: str = setting("CHAT_SMTP_PASSWORD")
    EMAIL_USE_TLS = setting("CHAT_SMTP_SECURITY") == "starttls"
    EMAIL_USE_SSL = setting("CHAT_SMTP_SECURITY") == "tls"
    EMAIL_TIMEOUT = 30  # seconds; the chore comes again
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = DATA / "mail"
    EMAIL_FILE_PATH.mkdir(mode=0o700, exist_ok=True)  # The mails hold links that open accounts.
DEFAULT_FROM_EMAIL: str = setting("CHAT_MAIL_FROM")

REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "chatsite.accounts.describe.Described",
    "DEFAULT_AUTHENTICATION_CLASSES": ["chatsite.accounts.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["chatsite.accounts.permissions.InScope"],
    "DEFAULT_RENDERER_CLASSES": ["chatsite.kernel.rest.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["chatsite.kernel.rest.JSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["chatsite.accounts.throttle.SignInThrottle"],
    "EXCEPTION_HANDLER": "chatsite.kernel.rest.problem",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "chatsite",
    "DESCRIPTION": "Chats, participants and messages over HTTP; what happens next is told over WebSocket or to a poll.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/",
    "POSTPROCESSING_HOOKS": [
        "chatsite.kernel.openapi.add_parts",
        "chatsite.kernel.openapi.add_bodies",
        "chat.api.hooked.add_webhooks",
        "chatsite.kernel.openapi.add_meanings",
        "chatsite.openapi.add_tags",
    ],
}
# A body of 8,000 code points is at most 96 kB as escaped JSON.
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = DATA / "static"
STATICFILES_DIRS = [ROOT / "chat" / "web" / "static"]
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_AUTOREFRESH = DEBUG
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_AGE = 12 * 3_600  # seconds; only the admin has sessions of Django's
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = setting("CHAT_HTTPS")
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # A supervisor asks from the same machine.
SECURE_HSTS_SECONDS = 365 * 86_400 if setting("CHAT_HTTPS") else 0
# Whether the neighbours of our host name speak https, and are listed in browsers, is not ours to say.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
# These look for names; what is named above derives from what they look for.
SILENCED_SYSTEM_CHECKS += ["security.W001", "security.W002", "security.W003"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "worker-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "img-src": [SELF, "data:"],
    }
}
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"without_tokens": {"()": "chatsite.kernel.logs.WithoutTokens"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["without_tokens"]}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": [], "level": "WARNING"},  # Its own handler would write each line twice.
        "django.security.DisallowedHost": {"level": "CRITICAL"},  # Whoever scans for hosts must not fill the log.
        "chatsite": {"level": "INFO"},
        "chat": {"level": "INFO"},
    },
}
