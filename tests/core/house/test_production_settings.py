"""Production settings: Django's deployment check is clean, and nothing secret has a default (S3, S4).
Run by pytest, core tier."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parents[3]


def production_environ() -> dict[str, str]:
    """All that a production venue must be told."""
    return {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "exchange.settings.production",
        "OUTCRY_DATA": "/nonexistent/outcry",
        "OUTCRY_SECRET_KEY": secrets.token_urlsafe(48),
        "OUTCRY_JWT_KEY": secrets.token_urlsafe(48),
        "OUTCRY_STACK_ID": "check",
        "OUTCRY_ALLOWED_HOSTS": "outcry.example",
        "DATABASE_URL": "postgresql://web@db.example/outcry",
        "REDIS_URL": "redis://redis.example/0",
    }


def check_deploy(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """`manage.py check --deploy`, every warning counted."""
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(command, cwd=BASE_DIR, env=environ, capture_output=True, text=True, check=False)


def test_the_deployment_check_is_clean() -> None:
    done = check_deploy(production_environ())
    assert (done.returncode, done.stderr) == (0, "")
    assert "no issues" in done.stdout


def test_a_missing_value_stops_the_start_by_name() -> None:
    environ = production_environ()
    for name in ("OUTCRY_SECRET_KEY", "DATABASE_URL"):
        del environ[name]
    done = check_deploy(environ)
    assert done.returncode != 0
    assert "set in the environment: OUTCRY_SECRET_KEY, DATABASE_URL" in done.stderr


def test_no_page_policy_allows_inline_code() -> None:
    from django.conf import settings

    policy = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    assert not [source for sources in policy.values() for source in sources if "unsafe" in source]
    assert policy["default-src"] == ["'self'"]
