"""The engine process: leader and follower loops around the one core.
Started by `manage.py engine`; stepped in tests through tests/support/venue.py."""
