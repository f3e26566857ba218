"""Money is neither made nor lost: the ledger sums to 0 after every command, and postings rebuild it (P1).
Run by pytest in the core tier; needs no service."""

from collections import Counter

import pytest

from engine.core import ledger
from engine.core.commands import InstrumentSpec
from engine.core.engine import Engine
from engine.core.events import Event
from tests.model.generate import START_NS, Generator
from tests.model.judge import Judge, Step
from tests.model.market import setup
from tests.model.model import Model

Balances = Counter[tuple[str, str]]


def stream(seed: int, count: int) -> list[Step]:
    """A seeded stream with its times, made with the slow model alone."""
    model = Model()
    seq = 0
    steps: list[Step] = []
    for command in setup():
        seq += 1
        model.apply(command, seq, START_NS)
        steps.append((START_NS, command))
    for time, made in Generator(model.venue, seed).commands(count):
        seq += 1
        model.apply(made, seq, time)
        steps.append((time, made))
    return steps


def run(engine: Engine, steps: list[Step]) -> list[Event]:
    events: list[Event] = []
    for time, command in steps:
        events += engine.apply([command], engine.seq + 1, time).events
    return events


def sums(balances: dict[tuple[str, str], int]) -> dict[str, int]:
    """What each currency is off by; empty when nothing is."""
    totals: Counter[str] = Counter()
    for (currency, _), amount in balances.items():
        totals[currency] += amount
    return {currency: total for currency, total in totals.items() if total}


def posted(engine: Engine, events: list[Event]) -> Balances:
    """The ledger rebuilt from the events' postings alone."""

    def spec_of(name: str) -> InstrumentSpec:
        return engine.instrument_view(name).spec

    balances: Balances = Counter()
    for event in events:
        postings = ledger.postings(event, spec_of)
        assert not sums(_grouped(postings)), event
        for posting in postings:
            balances[posting.currency, posting.account] += posting.amount
    return Counter({key: amount for key, amount in balances.items() if amount})


def _grouped(postings: list[ledger.Posting]) -> Balances:
    found: Balances = Counter()
    for posting in postings:
        found[posting.currency, posting.account] += posting.amount
    return found


@pytest.mark.parametrize("seed", range(3))
def test_the_ledger_sums_to_zero_after_every_command(seed: int) -> None:
    engine = Engine()
    for time, command in stream(seed, 300):
        engine.apply([command], engine.seq + 1, time)
        assert sums(engine.ledger_balances()) == {}, command
        assert engine.check() == [], command


@pytest.mark.parametrize("seed", range(10, 16))
def test_the_postings_of_the_events_rebuild_the_ledger(seed: int) -> None:
    engine = Engine()
    events = run(engine, stream(seed, 1_000))
    assert posted(engine, events) == engine.ledger_balances()


def test_each_accounts_postings_are_what_it_holds() -> None:
    engine = Engine()
    events = run(engine, stream(20, 1_000))
    balances: Counter[tuple[int, str]] = Counter()
    for event in events:
        for posting in ledger.postings(event, lambda name: engine.instrument_view(name).spec):
            if posting.account == ledger.CLIENT:
                balances[posting.account_id, posting.currency] -= posting.amount
    for account_id in engine.accounts:
        view = engine.account_view(account_id)
        held = Counter({wallet.asset: wallet.available + wallet.locked for wallet in view.wallets})
        held["CNY"] += view.pre_balance + view.deposit - view.withdraw + view.close_profit - view.commission
        of_events = Counter({cur: amount for (who, cur), amount in balances.items() if who == account_id})
        assert +held == +of_events


def test_one_posting_removed_is_seen() -> None:
    """Take away any one posting of the stream: the sums or the balances no longer hold."""
    engine = Engine()
    events = run(engine, stream(21, 400))
    everything = [
        posting
        for event in events
        for posting in ledger.postings(event, lambda name: engine.instrument_view(name).spec)
    ]
    assert len(everything) > 200
    assert sums(_grouped(everything)) == {}
    for at in range(len(everything)):
        if everything[at].amount:
            assert sums(_grouped(everything[:at] + everything[at + 1 :])) != {}


def test_one_unit_taken_from_an_account_is_seen_by_the_check() -> None:
    judge = Judge()
    for command in setup():
        judge.apply(command, START_NS)
    assert judge.engine.check() == []
    judge.engine.accounts[1].commission += 1
    assert judge.engine.check()[0] == "ledger CNY is off by 1"
    judge.engine.accounts[1].commission -= 1
    judge.engine.accounts[2].wallets["BTC"].available -= 1
    assert judge.engine.check() == ["ledger BTC is off by 1"]


@pytest.mark.parametrize("seed", range(30, 33))
def test_clearing_is_zero_after_settlement(seed: int) -> None:
    """clearing(instrument) + Σ position profit = 0 always; with every position at the mark both are 0."""
    judge = Judge()
    for command in setup():
        judge.apply(command, START_NS)
    generator = Generator(judge.model.venue, seed)
    for time, made in generator.commands(300):
        judge.apply(made, time)
    for made in generator.day_end():
        judge.apply(made, generator.time)
    assert judge.engine.step == 0
    for name, instrument in judge.engine.instruments.items():
        profit = sum(
            position.profit()
            for account in judge.engine.accounts.values()
            for key, position in account.positions.items()
            if key == name
        )
        assert instrument.clearing + profit == 0
    assert judge.engine.check() == []
