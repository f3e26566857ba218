"""Settings by place: `embedded` (make up), `production`, `test`; `base` is common to them.
Named by DJANGO_SETTINGS_MODULE; manage.py chooses `embedded` when nothing is said."""
