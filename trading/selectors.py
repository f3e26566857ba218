"""Reads of orders, trades, positions and wallets in history; every list has a page limit.
Called by trading/api, which merges live orders in by id, by pages, statements and dialects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from django.db import models

from market.history import applied_seq, history_wait, page_check, trading_day_of
from trading.models import Order, Position, Trade, Wallet

Row = TypeVar("Row", bound=models.Model)

__all__ = [
    "applied_seq", "history_wait", "order_by_client_order_id", "order_get", "orders_list", "positions_list",
    "trades_list", "wallets_list",
]  # fmt: skip


def order_get(*, order_id: int, account_ids: Sequence[int] | None = None) -> Order | None:
    """By id, among those of `account_ids` (None: of anyone). Its day tells the partition to look in."""
    found = Order.objects.filter(trading_day=trading_day_of(order_id), order_id=order_id)
    if account_ids is not None:
        found = found.filter(account_id__in=account_ids)
    return found.first()


def order_by_client_order_id(*, account_id: int, client_order_id: str) -> Order | None:
    """The newest order of the account with this id; ids may be used anew after two trading days."""
    found = Order.objects.filter(account_id=account_id, client_order_id=client_order_id)
    return found.order_by("-order_id").first()


def orders_list(
    *,
    account_ids: Sequence[int],
    statuses: Sequence[int] = (),
    instrument: str = "",
    trading_day: int = 0,
    before_order_id: int = 0,
    limit: int = 100,
) -> list[Order]:
    """The newest first; `statuses` () means any; `before_order_id` pages on."""
    found = _of(Order.objects.all(), account_ids, instrument, trading_day)
    if statuses:
        found = found.filter(status__in=statuses)
    if before_order_id:
        found = found.filter(order_id__lt=before_order_id)
    return list(found.order_by("-order_id")[: page_check(limit)])


def trades_list(
    *,
    account_ids: Sequence[int],
    order_id: int = 0,
    instrument: str = "",
    trading_day: int = 0,
    before_row_id: int = 0,
    limit: int = 100,
) -> list[Trade]:
    """The accounts' own sides, the newest first; `before_row_id` pages on."""
    found = _of(Trade.objects.all(), account_ids, instrument, trading_day)
    if order_id:
        found = found.filter(order_id=order_id)
    if before_row_id:
        found = found.filter(row_id__lt=before_row_id)
    return list(found.order_by("-row_id")[: page_check(limit)])


def positions_list(*, account_ids: Sequence[int], limit: int = 500) -> list[Position]:
    """As of `applied_seq`, by account and instrument; the live ones are engine.live's."""
    found = Position.objects.filter(account_id__in=account_ids)
    return list(found.order_by("account_id", "instrument")[: page_check(limit)])


def wallets_list(*, account_ids: Sequence[int], limit: int = 500) -> list[Wallet]:
    """As of `applied_seq`, by account and asset."""
    found = Wallet.objects.filter(account_id__in=account_ids)
    return list(found.order_by("account_id", "asset")[: page_check(limit)])


def _of(
    rows: models.QuerySet[Row], account_ids: Sequence[int], instrument: str, trading_day: int
) -> models.QuerySet[Row]:
    rows = rows.filter(account_id__in=account_ids)
    if instrument:
        rows = rows.filter(instrument=instrument)
    if trading_day:
        rows = rows.filter(trading_day=trading_day)
    return rows
