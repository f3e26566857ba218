"""A maker's quotes: the prices it wants orders at, and the fewest cancels and submits that bring them about.
Called by the maker; pure. Prices in ticks, volumes in lots."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from exchange.demo.makers.fair import MILLI
from exchange.demo.makers.holding import BUY, SELL

LEVELS: Final = 5
# An order is left where it is while it stands at most so many levels behind the last wanted one.
SLACK: Final = 2


@dataclass(frozen=True, slots=True)
class Rung:
    """One order wanted or resting."""

    side: int
    price: int


@dataclass(frozen=True, slots=True)
class Resting:
    """An order of ours in the book."""

    order_id: str
    side: int
    price: int
    left: int


@dataclass(frozen=True, slots=True)
class Style:
    """How a maker differs from the next: where on the grid it quotes, and how far from the fair price."""

    shift: int  # ticks by which its grid is moved
    half_spread: int  # 1/1000 of the spacing between two levels


def rungs_wanted(
    fair: int, spacing: int, style: Style, *, net: int, net_max: int, lower: int, upper: int
) -> list[Rung]:
    """LEVELS prices on each side of `fair` (1/1000 of a tick), nearest first.

    They lie on a fixed grid, so that a small move of the fair price moves one order, not ten. A holding of
    `net` lots shifts both sides against itself by up to two levels; from `net_max` on its own side is left out."""
    skew = -2 * spacing * MILLI * max(-net_max, min(net_max, net)) // net_max
    centre = fair + skew
    gap = style.half_spread * spacing
    shift = style.shift % spacing
    best_bid = ((centre - gap) // MILLI - shift) // spacing * spacing + shift
    best_ask = -((-(centre + gap) // MILLI + shift) // spacing) * spacing + shift
    if best_ask <= best_bid:
        best_ask = best_bid + spacing
    wanted = []
    for level in range(LEVELS):
        if net < net_max:
            wanted.append(Rung(BUY, best_bid - level * spacing))
        if net > -net_max:
            wanted.append(Rung(SELL, best_ask + level * spacing))
    return [rung for rung in wanted if rung.price >= 1 and (not upper or lower <= rung.price <= upper)]


def ladder_changes(
    wanted: Iterable[Rung], resting: Iterable[Resting], spacing: int
) -> tuple[list[Resting], list[Rung]]:
    """(orders to cancel, rungs to submit). What stands too near to the other side goes first."""
    missing = dict.fromkeys(wanted)
    edges = _edges(missing)
    cancels = []
    for order in resting:
        rung = Rung(order.side, order.price)
        if rung in missing:
            del missing[rung]
        elif not _may_stay(order, edges, spacing):
            cancels.append(order)
    cancels.sort(key=lambda order: -order.side * order.price)
    return cancels, list(missing)


def _edges(wanted: Iterable[Rung]) -> dict[int, tuple[int, int]]:
    """side → (nearest, farthest) price wanted."""
    edges: dict[int, tuple[int, int]] = {}
    for rung in wanted:
        nearest, farthest = edges.get(rung.side, (rung.price, rung.price))
        key = rung.side * rung.price
        edges[rung.side] = (
            rung.price if key > rung.side * nearest else nearest,
            rung.price if key < rung.side * farthest else farthest,
        )
    return edges


def _may_stay(order: Resting, edges: dict[int, tuple[int, int]], spacing: int) -> bool:
    """True behind the last level wanted, not too far; never in front of the first one or a second time inside."""
    if order.side not in edges:
        return False
    farthest = edges[order.side][1]
    behind = order.side * (farthest - order.price)
    return 0 < behind <= SLACK * spacing
