"""A venue with the demo's instruments but nobody trading, and visitors whose consoles must stay silent.
Called by pytest."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Visitor, chromium, visit
from tests.support.stack import RunningStack, stack_running

Visit = Callable[..., Visitor]


@pytest.fixture(scope="session")
def venue() -> Iterator[RunningStack]:
    """A stack of its own: these tests trade, wipe and restart."""
    with stack_running({"OUTCRY_STYLEGUIDE": "1"}) as running:
        seeded = running.manage("seed_demo", timeout_s=120)
        assert seeded.returncode == 0, seeded.stderr
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all; every visitor has a context of his own."""
    with chromium() as running:
        yield running


@pytest.fixture
def visitor(venue: RunningStack, browser: Browser) -> Iterator[Visit]:
    """Makes visitors; the test fails if any console of theirs said anything."""
    made: list[Visitor] = []

    def make(**options: Any) -> Visitor:
        made.append(visit(browser, venue.web, **options))
        return made[-1]

    yield make
    problems = [problem for each in made for problem in each.problems]
    for each in made:
        each.context.close()
    assert problems == []
