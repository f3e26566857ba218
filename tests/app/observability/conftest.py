"""The trading floor, for the tests here that need a whole venue.
Called by pytest."""

from collections.abc import Iterator

import pytest

from tests.support.floor import Floor, floor_open
from tests.support.venue import Venue


@pytest.fixture
def floor(projected_venue: Venue) -> Iterator[Floor]:
    """Two traders on a served venue."""
    with floor_open(projected_venue) as floor:
        yield floor
