"""The follower beside the leader: it replays what the leader wrote and projects it into Postgres, once."""

from engine.core import terms
from market.models import Progress
from tests.support.venue import Venue, order
from trading.models import Order


def test_what_the_leader_carried_out_stands_in_postgres(projected_venue: Venue) -> None:
    venue = projected_venue
    venue.do(order(1, terms.BUY, 19_000, 2, "a"), order(2, terms.SELL, 19_000, 1, "b"))
    venue.project()
    assert Progress.objects.get().seq == venue.engine.seq
    assert {row.client_order_id: row.left for row in Order.objects.all()} == {"a": 1, "b": 0}
    venue.project()
    assert Order.objects.count() == 2
    assert venue.follower.replica.event_hash == venue.leader.replica.event_hash
