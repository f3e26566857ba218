"""Settings common to every place; whatever differs comes from the environment.
Imported by embedded.py, production.py and test.py."""

import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext

from exchange.stack.locate import data_folder, database_from_url, redis_database

# Django's generic classes can be subscripted (`ModelAdmin[User]`) only after this.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parents[2]
DATA_DIR = data_folder(os.environ)
OUTCRY_STACK_ID = os.environ.get("OUTCRY_STACK_ID", "")
JOURNAL_URL = os.environ.get("JOURNAL_URL") or f"file://{DATA_DIR}/journal"
REDIS_URL = os.environ.get("REDIS_URL", "")
DATABASE_URL = os.environ.get("DATABASE_URL", "")
DATABASE_OWNER_URL = os.environ.get("DATABASE_OWNER_URL") or DATABASE_URL
# "web" may only read the projected tables; "owner" migrates and projects.
OUTCRY_DATABASE_ROLE = os.environ.get("OUTCRY_DATABASE_ROLE", "web")
OUTCRY_DEMO = os.environ.get("OUTCRY_DEMO", "1") != "0"

DEBUG = False
SECRET_KEY = os.environ.get("OUTCRY_SECRET_KEY", "")
JWT_SIGNING_KEY = os.environ.get("OUTCRY_JWT_KEY", "")
ALLOWED_HOSTS = os.environ.get("OUTCRY_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [name for name in os.environ.get("OUTCRY_TRUSTED_ORIGINS", "").split(",") if name]

INSTALLED_APPS = [
    "exchange.apps.OutcryAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "accounts",
    "market",
    "trading",
    "settlement",
    "exchange.apps.ExchangeConfig",
]
if sys.argv[1:2] == ["runserver"]:
    # daphne only replaces `runserver`; its imports would cost every other process a third of a second.
    INSTALLED_APPS.insert(0, "daphne")

MIDDLEWARE = [
    "exchange.observability.middleware.TimingMiddleware",
    "accounts.http.middleware.EnvelopeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "exchange.venue_admin.middleware.DatabaseAwayMiddleware",
]

ROOT_URLCONF = "exchange.urls"
ASGI_APPLICATION = "exchange.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

_database_url = DATABASE_OWNER_URL if OUTCRY_DATABASE_ROLE == "owner" else DATABASE_URL
DATABASES: dict[str, dict[str, Any]] = {
    "default": database_from_url(_database_url or "postgresql://unset@unset.invalid/unset"),
}
DATABASES["default"]["CONN_MAX_AGE"] = 60
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 5)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            # redis-py 8 ends idle blocking reads after 5 s unless told otherwise.
            "hosts": [{"address": REDIS_URL, "socket_timeout": None}],
            # Pub/sub ignores the database number, so the stack id keeps venues apart.
            "prefix": f"outcry.{OUTCRY_STACK_ID}",
        },
    },
}
CACHES: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": f"outcry.{OUTCRY_STACK_ID}.cache",
    },
}

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# --- accounts: HTTP plumbing, tokens, lock-out, money limits -----------------------------------------------
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
CSRF_FAILURE_VIEW = "accounts.http.middleware.csrf_failure"
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.http.auth.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.http.auth.Authenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["accounts.http.auth.VenueThrottle"],
    "DEFAULT_PARSER_CLASSES": ["accounts.http.drf.ExactJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["accounts.http.drf.ExactJSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "accounts.http.drf.AnyNegotiation",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "accounts.http.errors.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Outcry",
    "DESCRIPTION": "Futures and spot trading. Every answer of /api wears the envelope {success, data, error}.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "trading.api.schema.thin_routes_hook",
        "accounts.http.schema.envelope_hook",
    ],
    "ENUM_NAME_OVERRIDES": {
        "RoleEnum": "accounts.rights.ROLE_CHOICES",
        "AccountStateEnum": "accounts.models.TradingAccount.State",
        "CashRequestStateEnum": "settlement.models.CashRequest.State",
    },
}
# Five wrong passwords for one name from one address: fifteen minutes of waiting. The name alone would let
# anybody lock a victim out; guessing from many addresses is slowed by the login throttle per name.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True  # accounts.Session keeps the logins
AXES_CLIENT_IP_CALLABLE = "accounts.http.addresses.client_address"
AXES_VERBOSE = False
# How many of our own proxies append to X-Forwarded-For; 0: the peer's address is the client's.
OUTCRY_TRUSTED_PROXIES = int(os.environ.get("OUTCRY_TRUSTED_PROXIES", "0"))
# A deposit a user asks for himself, up to this many units of its currency, is credited without an operator.
OUTCRY_DEPOSIT_AUTO_MAX = int(os.environ.get("OUTCRY_DEPOSIT_AUTO_MAX", "0"))
OUTCRY_WITHDRAW_AUTO_MAX = int(os.environ.get("OUTCRY_WITHDRAW_AUTO_MAX", "0"))
# A withdrawal from an account with a trading password must show it.
OUTCRY_WITHDRAW_PASSWORD = os.environ.get("OUTCRY_WITHDRAW_PASSWORD", "1") != "0"
# What /metrics asks for as a bearer token; without one only this machine may read it.
OUTCRY_METRICS_TOKEN = os.environ.get("OUTCRY_METRICS_TOKEN", "")
# /styleguide, the page that shows the design system, is for those who work on pages.
OUTCRY_STYLEGUIDE = os.environ.get("OUTCRY_STYLEGUIDE", "0") != "0"
# Budgets by kind that differ from accounts/throttles.py RATES.
OUTCRY_THROTTLES: dict[str, Any] = {}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
FORMAT_MODULE_PATH = ["exchange.formats"]  # ISO dates in every language

STATIC_URL = "static/"
STATICFILES_DIRS = [folder for folder in [BASE_DIR / "static"] if folder.is_dir()]
STATIC_ROOT = os.environ.get("OUTCRY_STATIC_ROOT") or str(DATA_DIR / "static")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    },
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
FILE_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024

CELERY_BROKER_URL = os.environ.get("OUTCRY_CELERY_URL") or redis_database(REDIS_URL, 1)
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # Redis may be away for as long as it likes
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_DEFAULT_QUEUE = f"outcry.{OUTCRY_STACK_ID}.celery"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 600, "socket_timeout": None}
CELERY_TIMEZONE = "UTC"
# A task nobody took until the next one is due is dropped: a worker that was away finds no heap.
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    task.rpartition(".")[2]: {"task": task, "schedule": seconds, "options": {"expires": seconds}}
    for task, seconds in {
        "accounts.accounts_resend": 5.0,
        "settlement.cash_requests_resend": 5.0,
        "accounts.sessions_announce_ended": 60.0,
        "accounts.sessions_purge": 86_400.0,
    }.items()
}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("OUTCRY_LOG_LEVEL", "INFO")},
}
