"""The ground floor: the pure state machine, its journal, door and process; no Django models.
Called by every app and by `manage.py engine`."""
