"""A venue's history in one process: commands go to a real journal and the real core, records to a projector.
Used by the tests of projections, reconcile and rebuild; everything is seeded, time is injected."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine import messages
from engine.core import commands as c
from engine.core import terms
from engine.core.engine import Engine
from engine.journal import Batch, FileJournal
from engine.process.projecting import Record
from engine.process.replica import Replica
from exchange.projecting import VenueProjector

MINUTE_NS = 60 * 10**9
START_NS = 1_764_550_800 * 10**9  # 2025-12-01 01:00:00 UTC
OPERATOR = {"actor": 1, "scope": terms.SCOPE_OPERATE}
IF, CU, BTC = "CFFEX.IF2512", "SHFE.cu2512", "SPOT.BTC_USDT"
ACCOUNTS = tuple(range(80000001, 80000007))
YUAN = 10_000

IF_RATES = c.Rates(
    margin_long_ratio=120_000_000, margin_short_ratio=120_000_000, fee_open_ratio=23_000, fee_close_ratio=23_000,
    fee_today_ratio=230_000, limit_up_ratio=100_000_000, limit_down_ratio=100_000_000,
)  # fmt: skip
CU_RATES = c.Rates(
    margin_long_ratio=100_000_000, margin_short_ratio=100_000_000, fee_open_ratio=50_000, fee_close_ratio=50_000,
    fee_today_ratio=100_000, limit_up_ratio=60_000_000, limit_down_ratio=60_000_000,
)  # fmt: skip
SPECS = (
    c.InstrumentSpec(
        IF, "沪深300 2512", "CFFEX.IF", terms.FUTURES, "CNY", multiplier=300, tick_units=2, tick_scale=1,
        larger_side=terms.LARGER_ON, close_fee_rule=terms.FEE_TODAY_POOL, listing_price=19_000,
        protection_ratio=20_000_000, rates=IF_RATES,
    ),
    c.InstrumentSpec(
        CU, "沪铜 2512\\", "SHFE.cu", terms.FUTURES, "CNY", multiplier=5, tick_units=10,
        close_rule=terms.CLOSE_EXPLICIT, listing_price=7_000, rates=CU_RATES,
    ),
    c.InstrumentSpec(
        BTC, "BTC/USDT", "SPOT.BTC", terms.SPOT, "USDT", base="BTC", tick_units=1, tick_scale=2, lot_units=1,
        lot_scale=4, match_price_rule=terms.MATCH_MAKER, listing_price=5_000_000, protection_ratio=20_000_000,
        rates=c.Rates(fee_open_ratio=1_000_000, fee_close_ratio=2_000_000, limit_volume_max=1_000_000),
    ),
)  # fmt: skip


class Recorded:
    """A journal with one writer and the state it leads to; `records` are what no projector has taken yet."""

    def __init__(self, folder: Path) -> None:
        self.time = START_NS
        self.folder = folder
        self.journal = FileJournal(folder / "journal", clock=lambda: self.time)
        self.epoch = self.journal.take_over()
        self.replica = Replica(Engine())
        self.records: list[Record] = []
        self.last: Record | None = None

    @property
    def engine(self) -> Engine:
        return self.replica.engine

    def run(self, *batch: c.Command, after_ns: int = 10**9) -> Record:
        """Journal the commands as one batch `after_ns` later, apply it, keep its record."""
        self.time += after_ns
        payload = messages.commands_encode(batch)
        hashed = self.replica.event_hash
        written = Batch(self.epoch, self.replica.seq + 1, len(batch), self.time, hashed, payload)
        self.journal.append(written)
        record = self.last = self.replica.replay(written, self.journal.voided())
        self.records.append(record)
        return record

    def take(self) -> list[Record]:
        """The records not yet projected, which are then the caller's."""
        taken, self.records = self.records, []
        return taken

    def project(self, projector: VenueProjector) -> None:
        """Prepare and commit what is not yet projected."""
        projector.commit(projector.prepare(self.take(), self.engine))

    def close(self) -> None:
        self.journal.close()


def order(account: int, instrument: str, side: int, price: int, volume: int, **more: Any) -> c.OrderSubmit:
    """A limit order of the account's owner; `more` overrides any field."""
    fields: dict[str, Any] = {
        "actor": account, "scope": terms.SCOPE_TRADE, "account_id": account, "instrument": instrument,
        "side": side, "offset": terms.OPEN, "kind": terms.LIMIT, "time_in_force": terms.GTC, "price": price,
        "volume": volume,
    }  # fmt: skip
    return c.OrderSubmit(**{**fields, **more})


def venue_open(recorded: Recorded, trading_day: int = 20251201, cash: int = 50_000_000 * YUAN) -> None:
    """A trading day, three instruments, six accounts funded with `cash` units of CNY and with coins."""
    recorded.run(c.VenueSet(**OPERATOR, setting="init_cash_max", value=terms.MONEY_MAX))
    recorded.run(c.DayOpen(**OPERATOR, trading_day=trading_day))
    recorded.run(*(c.InstrumentList(**OPERATOR, spec=spec) for spec in SPECS))
    for account in ACCOUNTS:
        recorded.run(
            c.AccountOpen(**OPERATOR, account_id=account, owner=account, init_cash=cash),
            c.CashDeposit(
                **OPERATOR, account_id=account, request_id=f"u{account}", book=terms.BOOK_SPOT, currency="USDT",
                amount=10_000_000 * 10**6,
            ),
            c.CashDeposit(
                **OPERATOR, account_id=account, request_id=f"b{account}", book=terms.BOOK_SPOT, currency="BTC",
                amount=100 * 10**8,
            ),
        )  # fmt: skip


def day_roll(recorded: Recorded, trading_day: int) -> None:
    """Settle the day at the computed prices and open the next, step by step (trading-rules.md §8)."""
    engine = recorded.engine
    run_id = engine.run_id + 1
    for step in range(terms.STEP_CLOSED, terms.STEP_CHECKED + 1):
        if step == terms.STEP_SETTLED:
            recorded.run(*(c.SettlementPriceSet(**OPERATOR, instrument=name, price=0) for name in (IF, CU)))
        while engine.step < step:
            recorded.run(c.DayStep(**OPERATOR, run_id=run_id, step=step, cursor=engine.cursor))
    recorded.run(c.DayOpen(**OPERATOR, trading_day=trading_day))


def trading(recorded: Recorded, seed: int, batches: int, batch_size: int = 8) -> None:
    """Random orders and cancels around the last prices; some are refused, many trade, minutes pass."""
    dice = random.Random(seed)
    for _ in range(batches):
        batch = [_anything(recorded.engine, dice) for _ in range(dice.randint(1, batch_size))]
        recorded.run(*batch, after_ns=dice.choice((10**6, 10**9, 20 * 10**9, 200 * 10**9)))


def _anything(engine: Engine, dice: random.Random) -> c.Command:
    if dice.random() < 0.1 and engine.orders:
        chosen = engine.orders[dice.choice(list(engine.orders))]
        account = chosen.account.account_id
        return c.OrderCancel(
            actor=account, scope=terms.SCOPE_TRADE, account_id=account, order_id=chosen.order_id
        )
    account, instrument = dice.choice(ACCOUNTS), dice.choice((IF, CU, BTC))
    middle = {IF: 19_000, CU: 7_000, BTC: 5_000_000}[instrument]
    side = dice.choice((terms.BUY, terms.SELL))
    price = middle + dice.randint(-3, 3) * (1 if instrument != BTC else 100)
    more: dict[str, Any] = {"client_order_id": f"c\\{dice.getrandbits(60)}"}
    if instrument != BTC:
        more["offset"] = dice.choices((terms.OPEN, terms.CLOSE, terms.CLOSETODAY), (6, 2, 1))[0]
    elif side == terms.BUY and dice.random() < 0.2:
        more |= {
            "kind": terms.MARKET, "time_in_force": terms.IOC, "price": 0, "volume": 0,
            "budget": dice.randint(1, 10**6) * 1_000_000,
        }  # fmt: skip
    if "kind" not in more and more.get("offset") != terms.CLOSETODAY:
        more["time_in_force"] = dice.choices((terms.GTC, terms.DAY, terms.IOC, terms.FOK), (5, 5, 2, 1))[0]
    if more.get("offset") == terms.CLOSETODAY:
        more["time_in_force"] = terms.DAY
    volume = dice.randint(1, 9)
    return order(account, instrument, side, **{"price": price, "volume": volume, **more})


def table_dump(cursor: Any, tables: Sequence[str]) -> dict[str, list[str]]:
    """Every row of the tables, each table sorted."""
    dump = {}
    for table in tables:
        cursor.execute(f'SELECT * FROM "{table}"')
        dump[table] = sorted(map(repr, cursor.fetchall()))
    return dump
