"""The ground floor: the pure state machine, its journal, door and process; no Django models.
Called by every app and by `manage.py engine`. OUTCRY_CORE=compiled runs the core that `make compile` built."""

import os

if os.environ.get("OUTCRY_CORE", "plain") == "compiled":
    from engine.compilation import compiled_engine

    # The compiled modules have the same names and are found first.
    __path__.insert(0, compiled_engine())
