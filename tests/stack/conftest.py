"""The stack tier: one real `manage.py up` for all, and fresh ones for fault tests.
Called by pytest."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

import pytest

from tests.support.stack import RunningStack, stack_running

FreshStack = Callable[..., RunningStack]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser's tests come last: Playwright's event loop runs to the end of the process, and asyncio wants none."""
    items.sort(key=lambda item: "/stack/pages/" in item.path.as_posix())


@pytest.fixture(scope="session")
def stack() -> Iterator[RunningStack]:
    """The shared stack, without makers; tests leave it as healthy as they found it."""
    with stack_running() as running:
        yield running


@pytest.fixture
def fresh_stack() -> Iterator[FreshStack]:
    """Makes stacks for one test alone: `fresh_stack(environ, demo=False)`; for faults and for `up` itself."""
    with ExitStack() as cleanup:

        def make(environ: Mapping[str, str] | None = None, *, demo: bool = False) -> RunningStack:
            return cleanup.enter_context(stack_running(environ, demo=demo))

        yield make
