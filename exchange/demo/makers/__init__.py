"""The demo's market makers and takers: ordinary users of the public REST and WebSocket interfaces.
Entered through run.py by `manage.py makers`; nothing here touches the engine, its door or the database."""
