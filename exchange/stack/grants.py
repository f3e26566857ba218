"""The web role's rights, table by table: it writes what Django owns and only reads what is projected.
Called after every migration by the supervisor and by the test harness."""

import psycopg
from django.apps import apps
from psycopg import sql

from accounts.projected import ProjectedModel


def owned_tables() -> set[str]:
    """Tables the web role may write: every model of the registry that is not projected."""
    return {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if not issubclass(model, ProjectedModel) and model._meta.managed
    }


def grants_apply(owner_url: str, web_role: str) -> None:
    """Give the web role exactly its rights, in one transaction; a second run changes nothing.

    Does nothing when the owner and the web are one role: such an operator has chosen to have no border.
    """
    role = sql.Identifier(web_role)
    with psycopg.connect(owner_url, connect_timeout=5) as connection:
        if connection.info.user == web_role:
            return
        tables = {
            row[0]
            for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        }
        for statement in (
            "GRANT USAGE ON SCHEMA public TO {}",
            "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}",
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}",
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}",
            # Partitions and tables made later by a projector can be read at once.
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {}",
        ):
            connection.execute(sql.SQL(statement).format(role))
        writable = sorted(owned_tables() & tables)
        if writable:
            names = sql.SQL(", ").join(sql.Identifier("public", name) for name in writable)
            connection.execute(sql.SQL("GRANT INSERT, UPDATE, DELETE ON {} TO {}").format(names, role))
