"""The suite, by tier: core (no service), app (PostgreSQL and Redis), stack (a real `up`).
Called by `make test`."""
