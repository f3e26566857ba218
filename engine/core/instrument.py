"""One listed instrument: its rules in force, its prices and counters of the day, its book.
Called by every handler of the core; prices are ticks unless the name says p4 (1/10,000 of the quote unit)."""

from dataclasses import replace
from typing import Any

from engine.core import terms
from engine.core.book import Book
from engine.core.commands import InstrumentSpec, Rates
from engine.core.views import InstrumentView, p4_money, tick_money

COSTS_MAX = 20_000  # cached prices; beyond it the cache starts anew


class LotCosts:
    """What one lot costs at one price, each rounded half up on its own (trading-rules.md §5). Money units."""

    __slots__ = ("fee_close", "fee_open", "fee_today", "margin_long", "margin_short")

    def __init__(self, value: int, rates: Rates) -> None:
        self.margin_long = ratio_of(value, rates.margin_long_ratio) + rates.margin_long_lot
        self.margin_short = ratio_of(value, rates.margin_short_ratio) + rates.margin_short_lot
        self.fee_open = ratio_of(value, rates.fee_open_ratio) + rates.fee_open_lot
        self.fee_close = ratio_of(value, rates.fee_close_ratio) + rates.fee_close_lot
        self.fee_today = ratio_of(value, rates.fee_today_ratio) + rates.fee_today_lot


def ratio_of(value: int, ratio: int) -> int:
    """value × ratio, rounded half up; both ≥ 0."""
    return (value * ratio + terms.RATIO_ONE // 2) // terms.RATIO_ONE


class Instrument:
    __slots__ = (
        "_costs",
        "base_lot",
        "book",
        "clearing",
        "fees",
        "group_key",
        "high",
        "history_costs",
        "hours",
        "instrument",
        "is_spot",
        "larger_side",
        "last",
        "low",
        "lower",
        "mark_money",
        "open",
        "open_interest",
        "p4_money",
        "phase",
        "pre_close",
        "pre_open_interest",
        "pre_settlement",
        "rates",
        "rates_next",
        "settlement",
        "settlement_confirmed",
        "settlement_traded",
        "spec",
        "state",
        "tick_money",
        "tick_p4",
        "turnover",
        "upper",
        "volume",
    )

    def __init__(self, spec: InstrumentSpec) -> None:
        self.instrument = spec.instrument
        self.spec = spec
        self.rates = spec.rates
        self.rates_next: Rates | None = None
        self.is_spot = spec.kind == terms.SPOT
        self.tick_money = tick_money(spec)
        self.p4_money = 0 if self.is_spot else p4_money(spec)
        self.tick_p4 = 0 if self.is_spot else spec.tick_units * terms.P4 // 10**spec.tick_scale
        self.base_lot = 0
        if self.is_spot:
            self.base_lot = spec.lot_units * 10 ** (terms.CURRENCY_SCALES[spec.base] - spec.lot_scale)
        self.group_key = spec.margin_group or spec.product
        self.larger_side = spec.larger_side
        self.state = terms.TRADING
        self.phase = terms.CONTINUOUS
        self.upper = 0
        self.lower = 0
        self.pre_settlement = spec.listing_price * self.tick_p4  # p4
        self.settlement = 0  # p4
        self.settlement_confirmed = False
        self.settlement_traded = False
        self.mark_money = 0  # money units of one lot at the mark
        self.last = 0
        self.open = 0
        self.high = 0
        self.low = 0
        self.volume = 0
        self.turnover = 0
        self.hours: dict[int, list[int]] = {}  # hour of the day → [lots, turnover], for the last-hour rule
        self.open_interest = 0
        self.pre_open_interest = 0
        self.pre_close = 0
        self.fees = 0  # futures: its part of the ledger account fees, debit positive
        self.clearing = 0  # ledger account clearing:<instrument>, debit positive
        self.book = Book()
        self._costs: dict[int, LotCosts] = {}
        self.rates_apply(self.rates)

    def costs(self, price: int) -> LotCosts:
        """Per-lot margin and fees at an order or trade price."""
        found = self._costs.get(price)
        if found is None:
            if len(self._costs) >= COSTS_MAX:
                self._costs.clear()
            found = self._costs[price] = LotCosts(price * self.tick_money, self.rates)
        return found

    def rates_apply(self, rates: Rates) -> None:
        """Put rates in force: per-lot costs, the history lots' margin and the day's price limits follow."""
        self.rates = rates
        if self.spec.rates is not rates:
            # The spec in hand is also a command's, an event's and a reader's: theirs must stay as they were.
            self.spec = replace(self.spec, rates=rates)
        self._costs.clear()
        self.history_costs = LotCosts(self.pre_settlement * self.p4_money, rates)
        self.upper, self.lower = self.limits()
        if not self.volume:
            self.mark_money = self.pre_settlement * self.p4_money

    def limits(self) -> tuple[int, int]:
        """(upper, lower) in ticks, rounded inwards, at least a tick each side (trading-rules.md §1); (0, 0): none."""
        up, down = self.rates.limit_up_ratio, self.rates.limit_down_ratio
        if self.is_spot or not up:
            return 0, 0
        one, pre, tick = terms.RATIO_ONE, self.pre_settlement, self.tick_p4
        upper = pre * (one + up) // (one * tick)
        lower = -(-pre * (one - down) // (one * tick))
        upper = max(upper, pre // tick + 1)
        lower = max(1, min(lower, -(-pre // tick) - 1))
        return min(upper, terms.PRICE_MAX), lower

    def worst_money(self, net: int) -> int:
        """Money units of one lot at the day's price limit that is worse for a net position of this sign."""
        if net > 0:
            return self.lower * self.tick_money
        return (self.upper or terms.PRICE_MAX) * self.tick_money

    def reference(self) -> int:
        """Ticks: the last trade, else the settlement price to the nearest tick (half up), else the listing price."""
        if self.last:
            return self.last
        if self.is_spot:
            return self.spec.listing_price
        return (2 * self.pre_settlement + self.tick_p4) // (2 * self.tick_p4)

    def price_bounds(self) -> tuple[int, int]:
        """(upper, lower) an order's price may have: the price limits, or the band around the reference (spot)."""
        if self.upper:
            return self.upper, self.lower
        reference, factor = self.reference(), self.spec.band_factor
        return min(reference * factor, terms.PRICE_MAX), max(1, -(-reference // factor))

    def protection(self, side: int, best: int) -> int:
        """A market order's bound: best opposite × (1 ± ratio), rounded towards the best price, within the limits."""
        upper, lower = self.price_bounds()
        ratio, one = self.spec.protection_ratio, terms.RATIO_ONE
        if not ratio:
            return upper if side > 0 else lower
        if side > 0:
            return min(best * (one + ratio) // one, upper)
        return max(-(-best * (one - ratio) // one), lower)

    def traded(self, price: int, volume: int, notional: int, hour: int) -> None:
        """Count one trade into the day's figures and move the mark."""
        if not self.volume:
            self.open = self.high = self.low = price
        elif price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.last = price
        self.volume += volume
        self.turnover += notional
        self.mark_money = price * self.tick_money
        figures = self.hours.get(hour)
        if figures is None:
            self.hours[hour] = [volume, notional]
        else:
            figures[0] += volume
            figures[1] += notional

    def day_turn(self) -> None:
        """Begin a new day's counters; the last price stays as the previous close."""
        self.pre_close = self.last
        self.pre_open_interest = self.open_interest
        self.open = self.high = self.low = 0
        self.volume = self.turnover = 0
        self.hours = {}

    def settlement_computed(self) -> tuple[int, bool]:
        """(price in p4, traded today): volume-weighted average by the product's rule, rounded half up to the tick."""
        if not self.volume:
            return self.pre_settlement, False
        lots, turnover = self.volume, self.turnover
        if self.spec.settlement_price_rule == terms.SETTLE_VWAP_LAST_HOUR:
            lots, turnover = self.hours[max(self.hours)]
        per_tick = lots * self.tick_money
        return (2 * turnover + per_tick) // (2 * per_tick) * self.tick_p4, True

    def view(self, trading_day: int) -> InstrumentView:
        return InstrumentView(
            spec=self.spec,
            state=self.state,
            phase=self.phase,
            upper=self.upper,
            lower=self.lower,
            pre_settlement=self.pre_settlement,
            settlement=self.settlement,
            settlement_confirmed=self.settlement_confirmed,
            last=self.last,
            open=self.open,
            high=self.high,
            low=self.low,
            volume=self.volume,
            turnover=self.turnover,
            open_interest=self.open_interest,
            pre_open_interest=self.pre_open_interest,
            pre_close=self.pre_close,
            trading_day=trading_day,
        )

    STORED = (
        "group_key",
        "larger_side",
        "state",
        "phase",
        "upper",
        "lower",
        "pre_settlement",
        "settlement",
        "settlement_confirmed",
        "settlement_traded",
        "mark_money",
        "last",
        "open",
        "high",
        "low",
        "volume",
        "turnover",
        "open_interest",
        "pre_open_interest",
        "pre_close",
        "clearing",
        "fees",
    )

    def dump(self) -> list[Any]:
        """Figures and counters only; spec, rates and orders are the snapshot's business."""
        hours = [[hour, *figures] for hour, figures in sorted(self.hours.items())]
        return [hours, *(getattr(self, name) for name in self.STORED)]

    def load(self, plain: list[Any]) -> None:
        self.hours = {hour: [lots, turnover] for hour, lots, turnover in plain[0]}
        for name, value in zip(self.STORED, plain[1:], strict=True):
            setattr(self, name, value)
        self.history_costs = LotCosts(self.pre_settlement * self.p4_money, self.rates)
