"""The same commands give the same events byte for byte: other process, other hash seed, other time zone, restored (P4).
Run by pytest in the core tier; needs no service."""

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from engine.core.engine import Engine
from engine.messages import commands_decode, commands_encode, events_encode, wire_decode, wire_encode
from tests.model.judge import Step, stream_judge

ROOT = Path(__file__).parents[3]
BATCH = 7
RUNNER = """
import sys
from tests.core.engine.test_replay_gives_the_same_events import journal_load, replayed
print(*replayed(journal_load(sys.stdin.buffer.read())))
"""


def batches_of(steps: list[Step]) -> list[Step]:
    """Without voided numbers, for a payload of plain commands."""
    return [(time, command) for time, command in steps if command is not None]


def journal_dump(steps: list[Step]) -> bytes:
    return wire_encode([[time, commands_encode([command])] for time, command in batches_of(steps) if command])


def journal_load(data: bytes) -> list[Step]:
    return [(time, commands_decode(payload)[0]) for time, payload in wire_decode(data)]


def replayed(steps: list[Step], batch: int = BATCH) -> tuple[str, str]:
    """(event hash, state hash) of the steps in batches that share a time."""
    engine, running = Engine(), hashlib.blake2b(digest_size=32)
    at = 0
    while at < len(steps):
        time = steps[at][0]
        end = at + 1
        while end < len(steps) and end - at < batch and steps[end][0] == time:
            end += 1
        applied = engine.apply([command for _, command in steps[at:end]], engine.seq + 1, time)
        for event in applied.events:
            running.update(events_encode([event]))
        at = end
    return running.hexdigest(), hashlib.sha256(wire_encode(engine.dump())).hexdigest()


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    return batches_of(stream_judge(77, 1_500)[1])


@pytest.mark.parametrize(("hash_seed", "zone"), [("1", "Asia/Shanghai"), ("4242", "America/New_York")])
def test_another_process_comes_to_the_same_hashes(steps: list[Step], hash_seed: str, zone: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "TZ": zone, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=journal_dump(steps),
        capture_output=True,
        cwd=ROOT,
        env=environment,
        timeout=60,
        check=True,
    )
    assert tuple(done.stdout.decode().split()) == replayed(steps)


def test_the_size_of_batches_changes_nothing(steps: list[Step]) -> None:
    assert replayed(steps, 1) == replayed(steps, 500)


@pytest.mark.parametrize("seed", range(4))
def test_a_copy_restored_at_any_point_goes_on_like_the_original(steps: list[Step], seed: int) -> None:
    cuts = sorted(random.Random(seed).sample(range(1, len(steps)), 6))
    original, copy = Engine(), None
    for at, (time, command) in enumerate(steps):
        ours = original.apply([command], at + 1, time).events
        if copy is not None:
            assert copy.apply([command], at + 1, time).events == ours
        if at in cuts:
            snapshot = wire_encode(original.dump())
            copy = Engine.load(wire_decode(snapshot))
            assert wire_encode(copy.dump()) == snapshot
            assert copy.check() == original.check() == []
    assert copy is not None
    assert wire_encode(copy.dump()) == wire_encode(original.dump())


def test_a_snapshot_in_the_middle_of_the_day_roll_restores() -> None:
    """Between any two steps of the end of day a restored copy finishes it alike."""
    _, steps = stream_judge(78, 600)
    rolls = [at for at, (_, command) in enumerate(steps) if type(command).__name__ == "DayStep"]
    assert len(rolls) > 5
    original = Engine()
    copies: list[Engine] = []
    for at, (time, command) in enumerate(steps):
        events = original.apply([command], at + 1, time).events
        for copy in copies:
            assert copy.apply([command], at + 1, time).events == events
        if at in rolls[:12]:
            copies.append(Engine.load(wire_decode(wire_encode(original.dump()))))
    assert {hashlib.sha256(wire_encode(e.dump())).hexdigest() for e in [*copies, original]} != set()
    assert len({wire_encode(e.dump()) for e in [*copies, original]}) == 1


@pytest.mark.parametrize(("seq", "time"), [(5, 10), (0, 10), (1, -1)])
def test_what_does_not_join_is_refused(seq: int, time: int) -> None:
    engine = Engine()
    before = wire_encode(engine.dump())
    with pytest.raises(ValueError, match=r"sequence|time"):
        engine.apply([None], seq, time)
    assert wire_encode(engine.dump()) == before
