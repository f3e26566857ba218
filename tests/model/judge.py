"""Holds the engine against the slow model, command by command, and shortens a disagreement to its cause.
Called by the tests of tests/core/engine."""

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from decimal import localcontext
from typing import Any

from engine.core import terms
from engine.core.commands import Command, OrderSubmit
from engine.core.engine import Engine
from engine.core.events import Event, Rejected
from engine.core.views import AccountView
from engine.messages import events_encode
from tests.model.generate import START_NS, Generator
from tests.model.market import setup
from tests.model.model import Model
from tests.model.numbers import EXACT
from tests.model.views import account_view, depth_view, instrument_view, order_view

DEPTH = 20


class Disagreement(AssertionError):
    """The engine and the model came to different ends."""


def comparable(event: Event, command: Command | None) -> Event:
    """Only an order's refusal names the order it refuses; elsewhere these fields only repeat the command."""
    if isinstance(event, Rejected) and not isinstance(command, OrderSubmit):
        return replace(event, account_id=0, instrument="", client_order_id="", order_id=0)
    return event


def events_differ(command: Command | None, ours: Sequence[Event], theirs: Sequence[Event]) -> str:
    """What differs between the engine's events and the model's; "" when nothing does."""
    mine = [comparable(e, command) for e in ours]
    other = [comparable(e, command) for e in theirs]
    for at in range(max(len(mine), len(other))):
        a = mine[at] if at < len(mine) else None
        b = other[at] if at < len(other) else None
        if a != b:
            return f"event {at} of {command}:\n  engine {a}\n  model  {b}\n  {_fields_differ(a, b)}"
    return ""


def _fields_differ(a: Any, b: Any) -> str:
    if type(a) is not type(b) or a is None:
        return ""
    names = [f.name for f in fields(a) if getattr(a, f.name) != getattr(b, f.name)]
    return "differs in " + ", ".join(f"{n}: {getattr(a, n)!r} ≠ {getattr(b, n)!r}" for n in names)


class Judge:
    """One engine and one model fed with the same commands."""

    def __init__(self, engine: Engine | None = None) -> None:
        self.engine = engine or Engine()
        self.model = Model()
        self.seq = 0
        self.waiting: list[tuple[Command | None, list[Event]]] = []
        self.time = 0

    def model_apply(self, command: Command | None, time: int) -> list[Event]:
        """Let the model go ahead; the engine follows at the next `engine_apply` with the whole batch."""
        if time != self.time:
            self.engine_apply()
            self.time = time
        self.seq += 1
        expected = self.model.apply(command, self.seq, time)
        self.waiting.append((command, expected))
        return expected

    def engine_apply(self) -> None:
        """Apply what waits as one batch; raises Disagreement where its events are not the model's."""
        if not self.waiting:
            return
        batch, self.waiting = self.waiting, []
        first = self.seq - len(batch) + 1
        applied = self.engine.apply([command for command, _ in batch], first, self.time)
        events_encode(applied.events)  # what cannot be written down must not happen
        start = 0
        for (command, expected), end in zip(batch, applied.ends, strict=True):
            difference = events_differ(command, applied.events[start:end], expected)
            if difference:
                raise Disagreement(difference)
            start = end

    def apply(self, command: Command | None, time: int) -> list[Event]:
        """Both at once; the events both agree on."""
        expected = self.model_apply(command, time)
        self.engine_apply()
        return expected

    def views_compare(self) -> None:
        """Every view of the engine equals the model's; raises Disagreement."""
        venue, engine = self.model.venue, self.engine
        with localcontext(EXACT):
            for account in venue.accounts.values():
                theirs = engine.account_view(account.account_id)
                _equal(_held_only(theirs), account_view(venue, account))
                for order in account.orders if venue.step != terms.STEP_RATED else ():
                    # (between steps 7 and 8 an order's row still shows what it reserved the day before)
                    _equal(engine.order_view(order.order_id), order_view(venue, order))
            for name, instrument in venue.instruments.items():
                _equal(engine.instrument_view(name), instrument_view(venue, instrument))
                _equal(engine.depth_view(name, DEPTH), depth_view(instrument, DEPTH))
            live = sum(len(account.orders) for account in venue.accounts.values())
            _equal(len(engine.orders), live)
            _equal({k: v for k, v in engine.ledger_balances().items() if v}, venue.ledger())

    def invariants_check(self) -> None:
        """The engine's own check finds nothing, and its ledger sums to 0 per currency."""
        _equal(self.engine.check(), [])
        totals: dict[str, int] = {}
        for (currency, _), value in self.engine.ledger_balances().items():
            totals[currency] = totals.get(currency, 0) + value
        _equal({currency: total for currency, total in totals.items() if total}, {})


def _held_only(view: AccountView) -> AccountView:
    return replace(view, wallets=[w for w in view.wallets if w.available or w.locked])


def _equal(ours: Any, theirs: Any) -> None:
    if ours != theirs:
        raise Disagreement(f"\n  engine {ours}\n  model  {theirs}\n  {_fields_differ(ours, theirs)}")


def stream_judge(seed: int, count: int, batch_max: int = 20) -> tuple[Judge, list["Step"]]:
    """Feed both with a seeded stream in batches of random size; raises Disagreement with seed and short story."""
    judge = Judge()
    steps: list[Step] = [(START_NS, command) for command in setup()]
    for time, command in steps:
        judge.model_apply(command, time)
    generator = Generator(judge.model.venue, seed)
    try:
        for made, (time, command) in enumerate(generator.commands(count)):
            steps.append((time, command))
            judge.model_apply(command, time)
            if len(judge.waiting) >= generator.random.randint(1, batch_max):
                judge.engine_apply()
            if made % 25 == 0:
                judge.engine_apply()
                judge.views_compare()
            if made % 250 == 0:
                judge.invariants_check()
        judge.engine_apply()
        judge.views_compare()
        judge.invariants_check()
    except Exception as error:
        raise Disagreement(f"seed {seed}: {error}\n{story(shrink(steps))}") from error
    return judge, steps


Step = tuple[int, Command | None]  # time, command; None: voided


def replay(steps: Iterable[Step]) -> str:
    """Apply the steps one by one with every check after each; what went wrong, or ""."""
    judge = Judge()
    try:
        for time, command in steps:
            judge.apply(command, time)
            judge.views_compare()
            judge.invariants_check()
    except Exception as error:  # a crash of either side is a finding too, and is shrunk like a disagreement
        return f"{type(error).__name__}: {error}"
    return ""


def shrink(steps: list[Step], budget: int = 400) -> list[Step]:
    """Delta debugging: void commands (their sequence numbers stay) as long as the steps still fail."""
    kept = [at for at, (_, command) in enumerate(steps) if command is not None]
    size = max(1, len(kept) // 2)
    while budget > 0:
        removed = False
        for start in range(0, len(kept), size):
            trial = kept[:start] + kept[start + size :]
            budget -= 1
            if trial and budget > 0 and replay(_only(steps, trial)):
                kept, removed = trial, True
                break
        if not removed:
            if size == 1:
                break
            size //= 2
    return _only(steps, kept)


def _only(steps: list[Step], kept: list[int]) -> list[Step]:
    keep = set(kept)
    last = max(keep)
    return [(time, command if at in keep else None) for at, (time, command) in enumerate(steps[: last + 1])]


def story(steps: list[Step]) -> str:
    """The commands that matter, one a line, with their sequence numbers."""
    lines = [f"{seq:>5} t={time} {command}" for seq, (time, command) in enumerate(steps, 1) if command]
    return "\n".join([*lines, f"→ {replay(steps)}"])
