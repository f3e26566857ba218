"""Settings of the core and app tiers; the app tier's fixtures point them at their own servers.
Used by pytest (DJANGO_SETTINGS_MODULE in pyproject.toml)."""

import secrets

from exchange.settings.base import *  # noqa: F403

OUTCRY_STACK_ID = f"test-{secrets.token_hex(4)}"
SECRET_KEY = secrets.token_urlsafe(48)
JWT_SIGNING_KEY = secrets.token_urlsafe(48)
OUTCRY_INIT_CASH_MAX = 10_000_000
OUTCRY_DEPOSIT_AUTO_MAX = 10_000_000
OUTCRY_WITHDRAW_AUTO_MAX = 10_000_000
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
# Argon2's cost is the point in production and only waiting here.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
