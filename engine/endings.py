"""Ending tasks for certain: a library may swallow one cancellation (a timeout that fires at the same moment).
Used by the loops of engine.process and the door."""

import asyncio
from collections.abc import Collection
from typing import Any

AGAIN_S = 0.1


async def tasks_end(tasks: Collection["asyncio.Task[Any]"]) -> None:
    """Cancel until all are done; what they raised is taken note of and dropped."""
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            task.exception()
