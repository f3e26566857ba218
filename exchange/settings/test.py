"""Settings of the core and app tiers. The servers' addresses are chosen here, before anything connects;
the app tier's fixtures start servers there. Used by pytest (DJANGO_SETTINGS_MODULE in pyproject.toml)."""

import secrets

from exchange.settings.base import *  # noqa: F403
from exchange.settings.base import CACHES, CHANNEL_LAYERS, DATABASES
from exchange.stack.locate import database_from_url, redis_database
from exchange.stack.ports import private_port
from exchange.stack.redis_server import redis_url

OUTCRY_STACK_ID = f"test-{secrets.token_hex(4)}"
SECRET_KEY = secrets.token_urlsafe(48)
JWT_SIGNING_KEY = secrets.token_urlsafe(48)
OUTCRY_INIT_CASH_MAX = 10_000_000
OUTCRY_DEPOSIT_AUTO_MAX = 10_000_000
OUTCRY_WITHDRAW_AUTO_MAX = 10_000_000
OUTCRY_WITHDRAW_PASSWORD = False
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
# Argon2's cost is the point in production and only waiting here.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

TEST_DATABASE = "outcry_test"
TEST_POSTGRES_PORT, TEST_REDIS_PORT = private_port(), private_port()
TEST_OWNER_PASSWORD, TEST_WEB_PASSWORD, TEST_REDIS_PASSWORD = (secrets.token_urlsafe(16) for _ in range(3))
# Tests run as the owner: they play the projector as well as the web.
DATABASE_OWNER_URL = (
    f"postgresql://outcry:{TEST_OWNER_PASSWORD}@127.0.0.1:{TEST_POSTGRES_PORT}/{TEST_DATABASE}"
)
DATABASE_URL = f"postgresql://outcry_web:{TEST_WEB_PASSWORD}@127.0.0.1:{TEST_POSTGRES_PORT}/{TEST_DATABASE}"
DATABASES["default"] = database_from_url(DATABASE_OWNER_URL)
REDIS_URL = redis_url(TEST_REDIS_PORT, TEST_REDIS_PASSWORD)
CHANNEL_LAYERS["default"]["CONFIG"] = {
    "hosts": [{"address": REDIS_URL, "socket_timeout": None}],
    "prefix": f"outcry.{OUTCRY_STACK_ID}",
}
CACHES["default"]["LOCATION"] = REDIS_URL
CELERY_BROKER_URL = redis_database(REDIS_URL, 1)
CELERY_TASK_DEFAULT_QUEUE = f"outcry.{OUTCRY_STACK_ID}.celery"
