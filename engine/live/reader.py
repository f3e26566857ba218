"""Reading live state: each read is one atomic script that fetches the head with the data.
Called by DRF views, admin and tasks (LiveReader), by async views, sockets and the hub (AsyncLiveReader).

To merge orders with the history read live state first: an order leaves it only once it is in the history.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from redis.backoff import NoBackoff

from engine.changes import view_unpack
from engine.core.views import AccountView, DepthView, InstrumentView, OrderView
from engine.live import scripts
from engine.live.errors import LiveRebuilding
from engine.live.funds import LiveFunds, funds_of
from engine.live.keys import Head, generation_prefix, head_key, head_parse
from engine.live.scripts import Script

T = TypeVar("T")

TIMEOUT_S: Final = 2.0
CONNECTIONS_MAX: Final = 32


@dataclass(slots=True, frozen=True)
class Live(Generic[T]):
    """A value as it is at (epoch, seq). Orders finished at or before `history_seq` may be only in the history."""

    value: T
    epoch: int
    seq: int
    history_seq: int


@dataclass(slots=True, frozen=True)
class LivePrivate:
    """Everything of one account at one head: what a private stream's snapshot is made of."""

    account: AccountView
    funds: LiveFunds
    orders: list[OrderView]


@dataclass(slots=True, frozen=True)
class LiveHeld:
    """An account and the instruments it holds, at one head."""

    account: AccountView
    instruments: dict[str, InstrumentView]


@dataclass(slots=True, frozen=True)
class LiveMarket:
    """All instruments and depths by id, and the venue's settings, at one head."""

    instruments: list[InstrumentView]
    depths: list[DepthView]
    venue: dict[str, int]


@dataclass(slots=True, frozen=True)
class Question(Generic[T]):
    """One read: the script, its arguments after the generation prefix, and what its answer means."""

    script: Script
    arguments: tuple[int | str, ...]
    parse: Callable[[Head, Sequence[Any]], T]


def _live(head: Head, value: T) -> Live[T]:
    return Live(value, head.epoch, head.seq, head.history_seq)


def _one(kind: type[Any]) -> Callable[[Head, Sequence[Any]], Live[Any]]:
    return lambda head, values: _live(head, None if values[0] is None else view_unpack(kind, values[0]))


def _all(kind: type[Any]) -> Callable[[Head, Sequence[Any]], Live[Any]]:
    return lambda head, values: _live(head, _views(kind, values[0]))


def _views(kind: type[Any], flat: Sequence[Any]) -> list[Any]:
    return [view_unpack(kind, data) for _, data in sorted(_pairs(flat))]


def _market(head: Head, values: Sequence[Any]) -> Live[LiveMarket]:
    instruments, depths = _views(InstrumentView, values[0]), _views(DepthView, values[1])
    return _live(head, LiveMarket(instruments, depths, _settings(values[2])))


def _pairs(flat: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _orders(head: Head, values: Sequence[Any]) -> Live[list[OrderView]]:
    return _live(head, _orders_sorted(values[0]))


def _orders_sorted(blobs: Sequence[bytes]) -> list[OrderView]:
    return sorted((view_unpack(OrderView, blob) for blob in blobs), key=lambda order: order.order_id)


def _funds(head: Head, values: Sequence[Any]) -> LiveFunds | None:
    blob, marks, venue = values[:3]
    if blob is None:
        return None
    return funds_of(
        view_unpack(AccountView, blob),
        {name.decode(): int(mark) for name, mark in _pairs(marks)},
        epoch=head.epoch,
        seq=head.seq,
        venue=_settings(venue),
    )


def _private(head: Head, values: Sequence[Any]) -> Live[LivePrivate | None]:
    money = _funds(head, values)
    if money is None:
        return _live(head, None)
    account = view_unpack(AccountView, values[0])
    return _live(head, LivePrivate(account, money, _orders_sorted(values[3])))


def _held(head: Head, values: Sequence[Any]) -> Live[LiveHeld | None]:
    if values[0] is None:
        return _live(head, None)
    views = [view_unpack(InstrumentView, blob) for blob in values[1]]
    account = view_unpack(AccountView, values[0])
    return _live(head, LiveHeld(account, {view.spec.instrument: view for view in views}))


def _venue(head: Head, values: Sequence[Any]) -> Live[dict[str, int]]:
    return _live(head, _settings(values[0]))


def _settings(flat: Sequence[Any]) -> dict[str, int]:
    return {name.decode(): int(value) for name, value in sorted(_pairs(flat))}


def _question_account(account_id: int) -> Question[Live[AccountView | None]]:
    return Question(scripts.READ_FIELD, ("accounts", account_id), _one(AccountView))


def _question_order(order_id: int) -> Question[Live[OrderView | None]]:
    return Question(scripts.READ_FIELD, ("orders", order_id), _one(OrderView))


def _question_instrument(instrument: str) -> Question[Live[InstrumentView | None]]:
    return Question(scripts.READ_FIELD, ("instruments", instrument), _one(InstrumentView))


def _question_depth(instrument: str) -> Question[Live[DepthView | None]]:
    return Question(scripts.READ_FIELD, ("depths", instrument), _one(DepthView))


_QUESTION_HEAD: Final = Question(scripts.READ_HEAD, (), lambda head, values: head)
_QUESTION_INSTRUMENTS: Final = Question(scripts.READ_HASH, ("instruments",), _all(InstrumentView))
_QUESTION_MARKET: Final = Question(scripts.READ_MARKET, (), _market)
_QUESTION_DEPTHS: Final = Question(scripts.READ_HASH, ("depths",), _all(DepthView))
_QUESTION_VENUE: Final = Question(scripts.READ_HASH, ("venue",), _venue)


def _answer(question: Question[T], answer: Any) -> T:
    """What the script's answer means; raises LiveRebuilding without a head."""
    head = None if answer is None else head_parse(answer[0])
    if head is None:
        raise LiveRebuilding
    return question.parse(head, answer[1:])


class _Names:
    """The venue's keys as the scripts take them."""

    def __init__(self, stack_id: str) -> None:
        self._key = head_key(stack_id)
        self._prefix = generation_prefix(stack_id)

    def _arguments(self, question: Question[Any]) -> tuple[int | str, ...]:
        return (1, self._key, self._prefix, *question.arguments)


class LiveReader(_Names):
    """Reads for threads. Every read raises LiveRebuilding when there is no head or Redis does not answer;
    an unknown account, order or instrument under a head is None."""

    def __init__(self, redis_url: str, stack_id: str) -> None:
        super().__init__(stack_id)
        pool: Any = redis.BlockingConnectionPool.from_url(redis_url, **_pool_options(redis.retry.Retry))
        self._client: Any = redis.Redis(connection_pool=pool)

    def _ask(self, question: Question[T]) -> T:
        arguments = self._arguments(question)
        try:
            try:
                answer = self._client.evalsha(question.script.sha, *arguments)
            except redis.exceptions.NoScriptError:
                answer = self._client.eval(question.script.text, *arguments)
        except (redis.RedisError, OSError) as error:
            raise LiveRebuilding(f"Redis does not answer: {error}") from error
        return _answer(question, answer)

    def head(self) -> Head:
        return self._ask(_QUESTION_HEAD)

    def account(self, account_id: int) -> Live[AccountView | None]:
        return self._ask(_question_account(account_id))

    def account_funds(self, account_id: int) -> LiveFunds | None:
        """The account valued at the marks of the same head; None when there is no such account."""
        return self._ask(Question(scripts.READ_FUNDS, (account_id,), _funds))

    def private(self, account_id: int) -> Live[LivePrivate | None]:
        """Account, funds and orders at one head."""
        return self._ask(Question(scripts.READ_PRIVATE, (account_id,), _private))

    def held(self, account_id: int) -> Live[LiveHeld | None]:
        """The account and the instruments it holds, at one head."""
        return self._ask(Question(scripts.READ_HELD, (account_id,), _held))

    def orders(self, account_id: int) -> Live[list[OrderView]]:
        """Open orders and those finished but not yet projected, by order id."""
        return self._ask(Question(scripts.READ_ORDERS, (account_id,), _orders))

    def order(self, order_id: int) -> Live[OrderView | None]:
        """An open or recently finished order."""
        return self._ask(_question_order(order_id))

    def instrument(self, instrument: str) -> Live[InstrumentView | None]:
        return self._ask(_question_instrument(instrument))

    def instruments(self) -> Live[list[InstrumentView]]:
        """All instruments, by id."""
        return self._ask(_QUESTION_INSTRUMENTS)

    def depth(self, instrument: str) -> Live[DepthView | None]:
        return self._ask(_question_depth(instrument))

    def depths(self) -> Live[list[DepthView]]:
        """All depths, by instrument."""
        return self._ask(_QUESTION_DEPTHS)

    def market(self) -> Live[LiveMarket]:
        """Instruments, depths and the venue's settings at one head."""
        return self._ask(_QUESTION_MARKET)

    def venue(self) -> Live[dict[str, int]]:
        """The venue's settings by name, with trading_day and step (terms.STEP_*)."""
        return self._ask(_QUESTION_VENUE)

    def close(self) -> None:
        self._client.close()
        self._client.connection_pool.disconnect()


class AsyncLiveReader(_Names):
    """The same reads for event loops; each loop has its own bounded pool of connections."""

    def __init__(self, redis_url: str, stack_id: str) -> None:
        super().__init__(stack_id)
        self._url = redis_url
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()

    def _client(self) -> Any:
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            options = _pool_options(redis.asyncio.retry.Retry)
            pool: Any = redis.asyncio.BlockingConnectionPool.from_url(self._url, **options)
            client = self._clients[loop] = redis.asyncio.Redis(connection_pool=pool)
        return client

    async def _ask(self, question: Question[T]) -> T:
        client, arguments = self._client(), self._arguments(question)
        try:
            try:
                answer = await client.evalsha(question.script.sha, *arguments)
            except redis.exceptions.NoScriptError:
                answer = await client.eval(question.script.text, *arguments)
        except (redis.RedisError, OSError) as error:
            raise LiveRebuilding(f"Redis does not answer: {error}") from error
        return _answer(question, answer)

    async def head(self) -> Head:
        return await self._ask(_QUESTION_HEAD)

    async def account(self, account_id: int) -> Live[AccountView | None]:
        return await self._ask(_question_account(account_id))

    async def account_funds(self, account_id: int) -> LiveFunds | None:
        """The account valued at the marks of the same head; None when there is no such account."""
        return await self._ask(Question(scripts.READ_FUNDS, (account_id,), _funds))

    async def private(self, account_id: int) -> Live[LivePrivate | None]:
        """Account, funds and orders at one head."""
        return await self._ask(Question(scripts.READ_PRIVATE, (account_id,), _private))

    async def held(self, account_id: int) -> Live[LiveHeld | None]:
        """The account and the instruments it holds, at one head."""
        return await self._ask(Question(scripts.READ_HELD, (account_id,), _held))

    async def orders(self, account_id: int) -> Live[list[OrderView]]:
        """Open orders and those finished but not yet projected, by order id."""
        return await self._ask(Question(scripts.READ_ORDERS, (account_id,), _orders))

    async def order(self, order_id: int) -> Live[OrderView | None]:
        """An open or recently finished order."""
        return await self._ask(_question_order(order_id))

    async def instrument(self, instrument: str) -> Live[InstrumentView | None]:
        return await self._ask(_question_instrument(instrument))

    async def instruments(self) -> Live[list[InstrumentView]]:
        """All instruments, by id."""
        return await self._ask(_QUESTION_INSTRUMENTS)

    async def depth(self, instrument: str) -> Live[DepthView | None]:
        return await self._ask(_question_depth(instrument))

    async def depths(self) -> Live[list[DepthView]]:
        """All depths, by instrument."""
        return await self._ask(_QUESTION_DEPTHS)

    async def market(self) -> Live[LiveMarket]:
        """Instruments, depths and the venue's settings at one head."""
        return await self._ask(_QUESTION_MARKET)

    async def venue(self) -> Live[dict[str, int]]:
        """The venue's settings by name, with trading_day and step (terms.STEP_*)."""
        return await self._ask(_QUESTION_VENUE)

    async def close(self) -> None:
        """Close the running loop's connections."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()
            await client.connection_pool.disconnect()


def _pool_options(retry: type[Any]) -> dict[str, Any]:
    # One retry at once: a connection that died with its server is found out only when it is used.
    return {
        "max_connections": CONNECTIONS_MAX,
        "timeout": TIMEOUT_S,
        "socket_timeout": TIMEOUT_S,
        "socket_connect_timeout": TIMEOUT_S,
        "retry": retry(NoBackoff(), 1),
    }
