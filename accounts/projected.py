"""The base of every projected model: rows that are derived from the journal and written by nobody else.
Subclassed by each app's models; `projecting()` is entered only by projections and the test harness."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn

from django.db import models

_projecting: ContextVar[bool] = ContextVar("projecting", default=False)


class ProjectedWriteRefused(RuntimeError):
    """Something other than a projection tried to write a projected row: a programming error."""


@contextmanager
def projecting() -> Iterator[None]:
    """Within it this thread or task is a projection and may write projected rows."""
    token = _projecting.set(True)
    try:
        yield
    finally:
        _projecting.reset(token)


def _check(what: str) -> None:
    if not _projecting.get():
        raise ProjectedWriteRefused(f"{what}: projected rows are derived from the journal; send a command")


class ProjectedQuerySet(models.QuerySet[Any]):
    """Reads like any query set; refuses every write outside `projecting()`."""

    def create(self, **kwargs: Any) -> Any:
        """Refused outside a projection."""
        _check("create")
        return super().create(**kwargs)

    def bulk_create(self, *args: Any, **kwargs: Any) -> Any:
        """Refused outside a projection."""
        _check("bulk_create")
        return super().bulk_create(*args, **kwargs)

    def bulk_update(self, *args: Any, **kwargs: Any) -> Any:
        """Refused outside a projection."""
        _check("bulk_update")
        return super().bulk_update(*args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        """Refused outside a projection."""
        _check("update")
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refused outside a projection."""
        _check("delete")
        return super().delete()

    def get_or_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused always: a projection knows what it writes."""
        raise ProjectedWriteRefused("get_or_create")

    def update_or_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused always: a projection knows what it writes."""
        raise ProjectedWriteRefused("update_or_create")


class ProjectedModel(models.Model):
    """`seq`: the journal sequence of the command that last changed the row."""

    seq = models.BigIntegerField()

    objects = ProjectedQuerySet.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refused outside a projection."""
        _check("save")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refused outside a projection."""
        _check("delete")
        return super().delete(*args, **kwargs)
