"""A recorded venue and projectors of the tests' database.
Called by pytest."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from exchange.projecting import VenueProjector
from tests.app.projections.recorded import Recorded


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    history = Recorded(tmp_path)
    yield history
    history.close()


@pytest.fixture
def projector_new(transactional_db: None) -> Iterator[Callable[[], VenueProjector]]:
    """Makes projectors (none holds the right yet); all are let go at the end."""
    made: list[VenueProjector] = []

    def make() -> VenueProjector:
        made.append(VenueProjector(settings.DATABASE_OWNER_URL))
        return made[-1]

    yield make
    for projector in made:
        projector.release()


@pytest.fixture
def projector(projector_new: Callable[[], VenueProjector]) -> VenueProjector:
    """A projector that holds the right."""
    projector = projector_new()
    assert projector.acquire()
    return projector
