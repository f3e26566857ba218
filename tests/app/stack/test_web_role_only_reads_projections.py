"""The web's database role writes what Django owns and only reads what projections write (DESIGN.md §2.9).
Run by pytest, app tier."""

import psycopg
import pytest
from django.apps import apps
from psycopg import sql

from accounts.projected import ProjectedModel
from exchange.stack.grants import grants_apply, owned_tables
from exchange.stack.postgres import WEB_ROLE
from tests.support.servers import TEMPLATE, PostgresServer

WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")


def rights(server: PostgresServer, table: str) -> set[str]:
    """What the web role may do with a table."""
    with psycopg.connect(server.web_url(TEMPLATE)) as connection:
        return {
            right
            for right in ("SELECT", *WRITES)
            if connection.execute("SELECT has_table_privilege(%s, %s)", (table, right)).fetchone() == (True,)
        }


def projected_tables() -> list[str]:
    return sorted(m._meta.db_table for m in apps.get_models() if issubclass(m, ProjectedModel))


def test_owned_tables_are_written(postgres: PostgresServer) -> None:
    assert "accounts_user" in owned_tables()
    for table in sorted(owned_tables()):
        assert rights(postgres, table) == {"SELECT", "INSERT", "UPDATE", "DELETE"}, table


def test_projected_tables_are_only_read(postgres: PostgresServer) -> None:
    assert not set(projected_tables()) & owned_tables()
    for table in projected_tables():
        assert rights(postgres, table) == {"SELECT"}, table


def test_a_write_to_a_projected_table_is_refused_and_changes_nothing(postgres: PostgresServer) -> None:
    # A table made later, as a projector makes partitions: readable at once, never writable.
    name = sql.Identifier("made_later")
    with psycopg.connect(postgres.url(TEMPLATE), autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE TABLE {} (seq bigint)").format(name))
        try:
            with psycopg.connect(postgres.web_url(TEMPLATE), autocommit=True) as web:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    web.execute(sql.SQL("INSERT INTO {} VALUES (1)").format(name))
                assert web.execute(sql.SQL("SELECT count(*) FROM {}").format(name)).fetchone() == (0,)
        finally:
            owner.execute(sql.SQL("DROP TABLE {}").format(name))


def test_the_web_role_makes_no_tables(postgres: PostgresServer) -> None:
    refused = pytest.raises(psycopg.errors.InsufficientPrivilege)
    with psycopg.connect(postgres.web_url(TEMPLATE), autocommit=True) as web, refused:
        web.execute("CREATE TABLE mine (x int)")


def test_granting_twice_changes_nothing(postgres: PostgresServer) -> None:
    before = {table: rights(postgres, table) for table in sorted(owned_tables())}
    grants_apply(postgres.url(TEMPLATE), WEB_ROLE)
    assert {table: rights(postgres, table) for table in sorted(owned_tables())} == before
