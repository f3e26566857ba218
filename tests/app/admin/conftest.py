"""A console on a served, projected venue.
Called by pytest."""

from collections.abc import Iterator

import pytest

from tests.support.console import Console, console_open
from tests.support.venue import Venue


@pytest.fixture
def console(projected_venue: Venue) -> Iterator[Console]:
    """History follows by itself."""
    with console_open(projected_venue) as opened:
        yield opened


@pytest.fixture
def console_without_history(projected_venue: Venue) -> Iterator[Console]:
    """Nobody projects: rows stay as they were."""
    with console_open(projected_venue, projecting=False) as opened:
        yield opened
