"""Waiting for a condition: the only place in the suite that lets time pass.
Called by every test that needs another process to get somewhere."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, overload

T = TypeVar("T")
INTERVAL_S = 0.02


class NeverHappened(AssertionError):
    """The condition was not met within its time."""


def wait_until(condition: Callable[[], T], timeout_s: float = 10.0, what: str = "") -> T:
    """Return the condition's first truthy value; raises NeverHappened after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise NeverHappened(f"not within {timeout_s:g} s: {what or condition}, last {value!r}")
        time.sleep(INTERVAL_S)


@overload
async def wait_until_async(
    condition: Callable[[], Coroutine[Any, Any, T]], timeout_s: float = ..., what: str = ...
) -> T: ...
@overload
async def wait_until_async(condition: Callable[[], T], timeout_s: float = ..., what: str = ...) -> T: ...
async def wait_until_async(condition: Callable[[], Any], timeout_s: float = 10.0, what: str = "") -> Any:
    """As `wait_until`, inside a running loop; the condition may be a coroutine function."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = condition()
        value = await answer if isinstance(answer, Coroutine) else answer
        if value:
            return value
        if time.monotonic() > deadline:
            raise NeverHappened(f"not within {timeout_s:g} s: {what or condition}, last {value!r}")
        await asyncio.sleep(INTERVAL_S)
