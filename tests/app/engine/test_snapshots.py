"""P6: a snapshot and the journal after it give the state of a full replay, whatever was half done."""

from pathlib import Path

import pytest

from engine.core import commands as c
from engine.core import terms
from engine.journal import Batch
from engine.process.follower import Follower
from engine.process.replica import ReplayDiffers, Replica, replayed
from engine.snapshots import SnapshotStore, state_hash
from tests.support.venue import Venue, order


def trade_some(venue: Venue, label: str) -> None:
    venue.do(
        *(order(1, terms.BUY, 19_000 + i, 1, f"{label}-b{i}") for i in range(5)),
        *(order(2, terms.SELL, 19_002 + i, 1, f"{label}-s{i}") for i in range(5)),
    )


def full_replay(venue: Venue) -> Replica:
    replica = Replica.restored(None)
    for _ in replayed(venue.journal, None, venue.engine.seq, replica=replica):
        pass
    return replica


def test_snapshot_and_journal_equal_a_full_replay(venue: Venue) -> None:
    trade_some(venue, "one")
    venue.project()
    venue.follower.snapshot()
    at = venue.engine.seq
    trade_some(venue, "two")
    restored = Follower(journal=venue.journal, snapshots=venue.snapshots)
    assert restored.replica.seq == at
    restored.catch_up()
    full = full_replay(venue)
    assert restored.replica.seq == full.seq == venue.engine.seq
    assert restored.replica.event_hash == full.event_hash == venue.leader.replica.event_hash
    assert state_hash(restored.replica.engine) == state_hash(full.engine) == state_hash(venue.engine)
    restored.close()


def test_replay_goes_to_exactly_the_sequence_asked_for(venue: Venue) -> None:
    trade_some(venue, "one")
    at, hash_then, state_then = venue.engine.seq, venue.leader.replica.event_hash, state_hash(venue.engine)
    trade_some(venue, "two")
    replica = Replica.restored(None)
    counts = [record.batch.count for _, record in replayed(venue.journal, None, at, replica=replica)]
    assert sum(counts) == at == replica.seq
    assert replica.event_hash == hash_then
    assert state_hash(replica.engine) == state_then
    with pytest.raises(ValueError, match="not the end of a batch"):
        list(replayed(venue.journal, None, at - 1))


def test_a_new_leader_goes_on_from_snapshot_and_journal(venue: Venue) -> None:
    trade_some(venue, "one")
    venue.project()
    venue.follower.snapshot()
    trade_some(venue, "two")
    state = state_hash(venue.engine)
    venue.restart()
    assert state_hash(venue.engine) == state
    reply = venue.call(c.OrderQuery(1, terms.SCOPE_TRADE, 1, "one-b0"))
    assert reply.order_status == terms.LIVE


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "of a newer version", "another's name"])
def test_a_damaged_snapshot_is_passed_over_for_an_older_one(venue: Venue, damage: str) -> None:
    venue.project()
    older = venue.follower.snapshot()
    trade_some(venue, "one")
    venue.project()
    newest = venue.follower.snapshot()
    data = newest.read_bytes()
    newest.write_bytes({
        "cut": data[:-1],
        "flipped": data[:-1] + bytes([data[-1] ^ 1]),
        "empty": b"",
        "of a newer version": data[:8] + (99).to_bytes(4, "little") + data[12:],
        "another's name": older.read_bytes(),
    }[damage])  # fmt: skip
    found = venue.snapshots.newest()
    assert found is not None
    assert f"{found.seq:020d}" in older.name
    follower = Follower(journal=venue.journal, snapshots=venue.snapshots)
    follower.catch_up()
    assert state_hash(follower.replica.engine) == state_hash(venue.engine)
    follower.close()


def test_the_three_newest_are_kept(tmp_path: Path, venue: Venue) -> None:
    store = SnapshotStore(tmp_path / "kept")
    taken = []
    for i in range(5):
        venue.do(order(1, terms.BUY, 19_000, 1, f"o-{i}"))
        store.write(venue.leader.replica.snapshot())
        taken.append(venue.engine.seq)
    assert store.sequences() == taken[:1:-1]
    assert store.newest(taken[3]).seq == taken[3]  # type: ignore[union-attr]
    assert store.newest(taken[1]) is None


def test_a_replay_that_comes_to_other_events_stops_with_both_values(venue: Venue) -> None:
    trade_some(venue, "one")
    venue.project()
    replica = venue.follower.replica
    own = replica.event_hash
    other = bytes(32)
    batch = Batch(1, replica.seq + 1, 1, venue.engine.time, other, b"")
    with pytest.raises(ReplayDiffers) as caught:
        replica.replay(batch, {})
    assert own.hex() in str(caught.value)
    assert other.hex() in str(caught.value)
    assert replica.event_hash == own
