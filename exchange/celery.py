"""The Celery application: sweeps and long jobs outside the request.
Called by `celery -A exchange` and by tasks of the apps."""

import os
from pathlib import Path
from typing import Any

from celery import Celery
from celery.signals import beat_init, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "exchange.settings.embedded")

app = Celery("exchange")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
@beat_init.connect
def ready_file_write(**_: Any) -> None:
    """Tell the supervisor that this process is ready; a rename makes the file appear whole."""
    name = os.environ.get("OUTCRY_READY_FILE")
    if name:
        draft = Path(f"{name}.draft")
        draft.write_text(f"{os.getpid()}\n", "ascii")
        draft.rename(name)
