"""The engine and an independent slow model come to the same events, views and ledger (P1–P3, P9).
Run by pytest in the core tier; a failure prints its seed and the few commands that matter."""

import random
from collections import Counter

import pytest

from engine.core.events import Event, OrderAccepted, OrderEnded, Trade
from tests.model.judge import Judge, stream_judge
from tests.model.state import Instrument

SEEDS_EACH = 13
COMMANDS = 1_000


@pytest.mark.parametrize("first_seed", range(0, 8 * SEEDS_EACH, SEEDS_EACH))
def test_seeded_streams(first_seed: int) -> None:
    """8 × 13 × 1,000 commands, the same in every run."""
    for seed in range(first_seed, first_seed + SEEDS_EACH):
        stream_judge(seed, COMMANDS)


def test_a_fresh_stream() -> None:
    """Another stream in every run; the seed is in the message when it fails."""
    stream_judge(random.SystemRandom().randrange(2**32), 2 * COMMANDS)


def test_one_command_at_a_time_and_large_batches() -> None:
    stream_judge(1_000_001, COMMANDS, batch_max=1)
    stream_judge(1_000_002, COMMANDS, batch_max=500)


def test_the_streams_trade_or_end_an_order_four_times_in_ten() -> None:
    """A judge of quiet streams would judge nothing."""
    counts: Counter[str] = Counter()
    judge, steps = stream_judge(1_000_003, COMMANDS)
    judge = Judge()
    for time, command in steps:
        events: list[Event] = judge.model_apply(command, time)
        first = events[0]
        if any(isinstance(event, Trade) for event in events):
            counts["trades"] += 1
        elif any(isinstance(event, OrderEnded) for event in events):
            counts["ends"] += 1
        counts["accepted"] += isinstance(first, OrderAccepted)
    assert counts["accepted"] > 0.45 * len(steps)
    assert counts["trades"] + counts["ends"] > 0.40 * len(steps)
    assert counts["trades"] > 120


def test_a_disagreement_is_found_and_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judge that never objects proves nothing: with a wrong fee in the model the story is short."""
    right = Instrument.fee_open
    monkeypatch.setattr(Instrument, "fee_open", lambda self, price: right(self, price) + self.unit)
    with pytest.raises(AssertionError) as caught:
        stream_judge(5, 300)
    assert "seed 5" in str(caught.value)
    lines = [line for line in str(caught.value).splitlines() if " t=" in line]
    assert any("OrderSubmit" in line for line in lines)
    assert len(lines) <= 14
