"""Brings the database to what the code expects: roles, migrations, grants.
Called by the supervisor between the start of PostgreSQL and of the other processes."""

from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from exchange.stack.grants import grants_apply
from exchange.stack.locate import database_from_url
from exchange.stack.postgres import roles_prepare
from exchange.stack.processes import admin_url
from exchange.stack.venue import Venue


def database_prepare(venue: Venue) -> int:
    """Roles (embedded only), pending migrations, grants; returns how many migrations were applied.

    Blocking; runs in the supervisor's helper thread. Quick when nothing is to be done.
    """
    if venue.cluster is not None:
        roles_prepare(admin_url(venue), venue.secrets["owner_password"], venue.secrets["web_password"])
    connections.databases["default"].update(database_from_url(venue.database_owner_url))
    connection = connections["default"]
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if pending:
            call_command("migrate", verbosity=0, interactive=False)
    finally:
        connection.close()
    grants_apply(venue.database_owner_url, str(database_from_url(venue.database_url)["USER"]))
    return len(pending)
