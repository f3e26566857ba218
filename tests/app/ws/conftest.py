"""The trading floor and sockets on it, for every test here.
Called by pytest."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
import pytest_asyncio

from engine.hub import hub
from tests.support.floor import Floor, floor_open
from tests.support.people import Person
from tests.support.sockets import Socket
from tests.support.venue import Venue

Connect = Callable[..., Awaitable[Socket]]


@pytest.fixture
def floor(venue: Venue, transactional_db: None) -> Iterator[Floor]:
    """Two traders on a served venue."""
    with floor_open(venue) as floor:
        yield floor


@pytest_asyncio.fixture
async def connect(floor: Floor) -> AsyncIterator[Connect]:
    """`await connect(person)`: an authenticated socket; without a person one that is not."""
    sockets: list[Socket] = []

    async def connect(who: Person | None = None) -> Socket:
        await asyncio.wait_for(hub().ready(), 10)
        sockets.append(await Socket().open(who))
        return sockets[-1]

    yield connect
    for socket in sockets:
        await socket.leave()
    await hub().close()
    mine = asyncio.current_task()
    for task in asyncio.all_tasks():
        if task is not mine:
            task.cancel()
