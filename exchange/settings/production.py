"""Settings for a venue behind a TLS proxy, against outside servers.
Named by DJANGO_SETTINGS_MODULE in deploy/; a missing value stops the start."""

import os

from django.core.exceptions import ImproperlyConfigured

from exchange.settings.base import *  # noqa: F403

_required = (
    "OUTCRY_SECRET_KEY", "OUTCRY_JWT_KEY", "DATABASE_URL", "REDIS_URL",
    "OUTCRY_STACK_ID", "OUTCRY_ALLOWED_HOSTS",
)  # fmt: skip
_missing = [name for name in _required if not os.environ.get(name)]
if _missing:
    raise ImproperlyConfigured(f"set in the environment: {', '.join(_missing)}")

OUTCRY_INIT_CASH_MAX = 0
SECURE_SSL_REDIRECT = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Probes come from inside, without TLS.
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^ready$", r"^metrics$"]
SECURE_HSTS_SECONDS = 63_072_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
