"""Embedded PostgreSQL and Redis, and the supervision of every process of a venue.
Called by `manage.py up`, `manage.py clean_data`, and the test harness."""
