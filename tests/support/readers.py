"""A careful reader of pushes: holds what snapshots and differences say, and sees every gap.
Called by the P12 tests; it is what docs tell client authors to write."""

from __future__ import annotations

from typing import Any

Push = dict[str, Any]


class Gap(Exception):
    """A push does not follow the one before it: the reader must ask for a snapshot."""


class StreamReader:
    """One stream. `held` is its state; `take` raises Gap and keeps what it had."""

    def __init__(self) -> None:
        self.seq: int | None = None
        self._part, self._parts = 1, 1
        self.held: dict[Any, Any] = {}

    def take(self, push: Push) -> None:
        if push["snapshot"]:
            self.seq, self._part, self._parts = push["seq"], 1, 1
            self.held = {}
            self._apply(push)
            return
        if self.seq is None:
            raise Gap
        part, parts = push.get("part", 1), push.get("parts", 1)
        if push["seq"] < self.seq or (push["seq"] == self.seq and part <= self._part):
            return  # known already: a repeat, or one that was overtaken
        if part == 1:
            if push["prev"] != self.seq or self._part != self._parts:
                raise Gap
        elif push["seq"] != self.seq or part != self._part + 1:
            raise Gap
        self.seq, self._part, self._parts = push["seq"], part, parts
        self._apply(push)

    def _apply(self, push: Push) -> None:
        APPLY[push["type"]](self.held, push)


def _order_book(held: dict[Any, Any], push: Push) -> None:
    for side in ("bids", "asks"):
        for level in push[side]:
            key = (side, level["price"])
            if level["volume"] == 0:
                held.pop(key, None)
            else:
                held[key] = (level["volume"], level["order_count"])


def _orders(held: dict[Any, Any], push: Push) -> None:
    for order in push.get("orders", [push]):
        if order["status"] in ("submitted", "partially_filled"):
            held[order["order_id"]] = (order["status"], order["volume_left"], order["price"])
        else:
            held.pop(order["order_id"], None)


def _positions(held: dict[Any, Any], push: Push) -> None:
    for row in push["positions"]:
        if row["volume_long"] or row["volume_short"]:
            held[row["instrument_id"]] = row
        else:
            held.pop(row["instrument_id"], None)


def _trades(held: dict[Any, Any], push: Push) -> None:
    for trade in push.get("trades", [push]):
        held[trade["trade_id"], trade.get("direction")] = (trade["price"], trade["volume"])


FRAME = ("type", "stream", "epoch", "seq", "prev", "snapshot", "reason", "timestamp", "part", "parts")


def _whole(held: dict[Any, Any], push: Push) -> None:
    held.clear()
    held.update((name, value) for name, value in push.items() if name not in FRAME)


APPLY = {
    "order_book": _order_book,
    "order_status": _orders,
    "position_update": _positions,
    "trade": _trades,
    "trades": _trades,
    "account_update": _whole,
    "ticker": _whole,
}


class Readers:
    """All streams of one connection."""

    def __init__(self) -> None:
        self.streams: dict[str, StreamReader] = {}
        self.gaps: list[str] = []
        self.gap_count = 0

    def take(self, message: Push) -> bool:
        """False when the message shows a gap in its stream; messages that are no pushes are passed over."""
        if "stream" not in message:
            return True
        reader = self.streams.setdefault(message["stream"], StreamReader())
        try:
            reader.take(message)
        except Gap:
            self.gaps.append(message["stream"])
            self.gap_count += 1
            return False
        return True
