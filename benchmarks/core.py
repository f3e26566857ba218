"""How fast the core is as plain Python (or compiled, if it is): the standard workload with accounts and margin on.
Run as `python -m benchmarks.core [events]`; prints ns per event for `one` and `hundred`."""

import gc
import sys
import time

from benchmarks import workload
from benchmarks.workload import Fill, Step
from engine.core import terms
from engine.core.commands import (
    AccountOpen,
    CashDeposit,
    Command,
    DayOpen,
    InstrumentList,
    InstrumentSpec,
    OrderCancel,
    OrderSubmit,
    Rates,
)
from engine.core.engine import Engine
from engine.core.events import Trade

RIGHTS = terms.SCOPE_READ | terms.SCOPE_TRADE | terms.SCOPE_OPERATE
BATCH = 100
ROUNDS = 5


def spec_of(number: int) -> InstrumentSpec:
    """A contract like copper: tick 10, ×5, 10 % margin, fees, price limits, larger side on."""
    return InstrumentSpec(
        instrument=f"SHFE.cu{number:04d}",
        name=f"copper {number}",
        product="SHFE.cu",
        kind=terms.FUTURES,
        currency="CNY",
        multiplier=5,
        tick_units=10,
        larger_side=terms.LARGER_ON,
        close_rule=terms.CLOSE_FIFO,
        match_price_rule=terms.MATCH_MAKER,
        protection_ratio=10**7,
        listing_price=workload.LISTING_PRICE,
        rates=Rates(
            margin_long_ratio=10**8,
            margin_short_ratio=10**8,
            fee_open_ratio=50_000,
            fee_close_ratio=50_000,
            fee_today_ratio=50_000,
            limit_up_ratio=6 * 10**7,
            limit_down_ratio=6 * 10**7,
        ),
    )


def opening(instruments: int) -> list[Command]:
    """List the contracts, open the day and rich accounts, one owner each."""
    found: list[Command] = [InstrumentList(0, RIGHTS, spec_of(number)) for number in range(instruments)]
    found.append(DayOpen(0, RIGHTS, 20251201))
    for account in range(workload.ACCOUNTS):
        found.append(AccountOpen(0, RIGHTS, account + 1, account + 1))
        found.append(CashDeposit(0, RIGHTS, account + 1, f"d{account}", terms.BOOK_FUTURES, "CNY", 10**17))
    return found


def venue(instruments: int) -> Engine:
    """A venue that has carried out `opening`."""
    engine = Engine()
    engine.apply(opening(instruments), 1, 1)
    return engine


def commands_of(steps: list[Step], first_seq: int) -> list[Command]:
    """The workload as commands; an order's id is its sequence."""
    names = {step.instrument: spec_of(step.instrument).instrument for step in steps}
    found: list[Command] = []
    for index, step in enumerate(steps):
        account = step.account + 1
        if step.kind == workload.CANCEL:
            found.append(OrderCancel(account, RIGHTS, account, first_seq + step.order))
            continue
        market = step.kind == workload.MARKET
        found.append(
            OrderSubmit(
                account,
                RIGHTS,
                account,
                names[step.instrument],
                step.side,
                terms.OPEN,
                terms.MARKET if market else terms.LIMIT,
                terms.DAY if step.kind == workload.LIMIT else terms.IOC,
                step.price,
                step.volume,
                f"c{index}",
            )
        )
    return found


def run(steps: list[Step], fills: list[Fill], instruments: int) -> tuple[float, dict[str, int]]:
    """(CPU ns per event, how many events of each kind came out). Raises AssertionError on any other trade."""
    engine = venue(instruments)
    commands = commands_of(steps, engine.seq + 1)
    offset = engine.seq + 1
    expected = iter(fills)
    kinds: dict[str, int] = {}
    gc.collect()
    gc.freeze()
    gc.disable()
    spent = 0
    for start in range(0, len(commands), BATCH):
        batch = commands[start : start + BATCH]
        begun = time.process_time_ns()
        applied = engine.apply(batch, engine.seq + 1, engine.time + 1)
        spent += time.process_time_ns() - begun
        for event in applied.events:
            kinds[type(event).__name__] = kinds.get(type(event).__name__, 0) + 1
            if isinstance(event, Trade):
                pair = (event.buy_order_id - offset, event.sell_order_id - offset)
                taker, maker = pair if event.taker_side > 0 else pair[::-1]
                assert Fill(taker, maker, event.price, event.volume) == next(expected)
    gc.enable()
    gc.unfreeze()
    return spent / len(commands), kinds


def main(events: int) -> None:
    for name, instruments in (("one", 1), ("hundred", 100)):
        steps, fills = workload.standard(events, instruments)
        results = [run(steps, fills, instruments) for _ in range(ROUNDS)]
        print(f"core, {name}: {min(ns for ns, _ in results):,.0f} ns/event", results[0][1])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
