"""Tables partitioned by trading day: the SQL that makes them so, and each day's partition.
Called by migrations (market, trading, settlement) and, when a day opens, by exchange/projecting.py."""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from psycopg import Cursor, sql

PARTITIONED = ("market_publictrade", "trading_order", "trading_trade", "settlement_ledgerentry")


class CreatePartitioned(migrations.CreateModel):
    """CreateModel whose table is PARTITION BY RANGE (trading_day), with a default partition.

    `key` is the primary key in PostgreSQL; it holds trading_day, as every unique key of such a table must."""

    def __init__(self, *args: Any, key: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.key = key

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        name, args, kwargs = super().deconstruct()
        return name, list(args), {**kwargs, "key": self.key}

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        model = to_state.apps.get_model(app_label, self.name)
        create, parameters = schema_editor.table_sql(model)
        schema_editor.execute(partitioned_sql(create, self.key), parameters or None)
        table = model._meta.db_table
        schema_editor.execute(f'CREATE TABLE "{table}_default" PARTITION OF "{table}" DEFAULT')
        schema_editor.deferred_sql.extend(schema_editor._model_indexes_sql(model))  # type: ignore[attr-defined]


def partitioned_sql(create: str, key: tuple[str, ...]) -> str:
    """Django's CREATE TABLE with the primary key replaced by `key` and the partitioning said."""
    body, _, rest = create.rpartition(")")
    if rest.strip() or " PRIMARY KEY" not in body:
        raise ValueError(f"not the CREATE TABLE expected: {create}")
    lines = body.replace(" PRIMARY KEY,", ",", 1) if " PRIMARY KEY," in body else body
    if "PRIMARY KEY (" in lines:
        # A composite key stands at the end, as a constraint of its own.
        lines = lines[: lines.rindex(", PRIMARY KEY (")] if ", PRIMARY KEY (" in lines else lines
    columns = ", ".join(f'"{name}"' for name in key)
    return f"{lines}, PRIMARY KEY ({columns})) PARTITION BY RANGE (trading_day)"


def day_partitions_make(cursor: Cursor[Any], trading_day: int) -> None:
    """The partitions of `trading_day` (YYYYMMDD), inside the caller's transaction; harmless when there.

    Made beside and attached, which, unlike PARTITION OF, does not wait for those who are reading the parent."""
    for table in PARTITIONED:
        partition = f"{table}_d{trading_day}"
        cursor.execute("SELECT to_regclass(%s)", (f"public.{partition}",))
        if cursor.fetchone() != (None,):
            continue
        names = {"partition": sql.Identifier("public", partition), "parent": sql.Identifier("public", table)}
        cursor.execute(sql.SQL("CREATE TABLE {partition} (LIKE {parent} INCLUDING ALL)").format(**names))
        cursor.execute(
            sql.SQL(
                "ALTER TABLE {parent} ATTACH PARTITION {partition} FOR VALUES FROM ({day}) TO ({next})"
            ).format(**names, day=sql.Literal(trading_day), next=sql.Literal(trading_day + 1))
        )
