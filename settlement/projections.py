"""Rows of the double-entry ledger and of every account's closed days.
Called by exchange/projecting.py for every stretch of the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

from accounts.projected_writes import Handler, Insert, Moment, Reading, Row, Table, Write, copy_text
from engine.core import events
from engine.core.commands import InstrumentSpec
from engine.core.ledger import postings

# What moves money; the other events have no postings.
POSTED: Final = (events.AccountOpened, events.CashMoved, events.Trade, events.PositionSettled)
DAILY_FIELDS: Final = tuple(f.name for f in fields(events.AccountSettled))

LEDGER = Table(
    "settlement_ledgerentry",
    ("trading_day", "seq", "line"),
    ("trading_day", "seq", "line", "currency", "account", "account_id", "amount", "reason", "time"),
)
DAILY = Table("settlement_dailyaccount", ("account_id", "trading_day"), (*DAILY_FIELDS, "settled_at", "seq"))

TABLES: Final = (LEDGER, DAILY)

_daily_values = attrgetter(*DAILY_FIELDS)


class LedgerGatherer:
    """Every posting of every event, numbered within its sequence; those of 0 are left out."""

    def __init__(self) -> None:
        self._posted: list[tuple[Any, int, int, int]] = []
        self._daily: list[Row] = []

    def handlers(self) -> Mapping[type[Any], Handler]:
        return {**dict.fromkeys(POSTED, self._event), events.AccountSettled: self._settled}

    def writes(self, reading: Reading) -> list[Write]:
        specs: dict[str, InstrumentSpec] = {}

        def spec_of(name: str) -> InstrumentSpec:
            found = specs.get(name)
            if found is None:
                found = specs[name] = reading.engine.instrument_view(name).spec
            return found

        rows: list[Row] = []
        last_seq = line = 0
        for event, day, at_seq, time in self._posted:
            if at_seq != last_seq:
                last_seq, line = at_seq, 0
            for posting in postings(event, spec_of):
                if posting.amount:
                    rows.append(
                        (day, at_seq, line, posting.currency, copy_text(posting.account), posting.account_id,
                         posting.amount, posting.reason, time)
                    )  # fmt: skip
                    line += 1
        return [Insert(LEDGER, rows), Insert(DAILY, self._daily)]

    def _event(self, event: Any, at: Moment) -> None:
        self._posted.append((event, at.trading_day, at.seq, at.time))

    def _settled(self, event: events.AccountSettled, at: Moment) -> None:
        self._daily.append((*_daily_values(event), at.time, at.seq))
