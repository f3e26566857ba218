"""The costs the page shows before an order is sent are the engine's own, to the last unit.
Run by pytest in the stack tier: the page's module in real Chromium, the core's classes beside it."""

import json
from dataclasses import asdict, replace
from random import Random
from typing import Any

from engine.core import terms
from engine.core.commands import InstrumentSpec, Rates
from engine.core.instrument import Instrument
from engine.core.views import tick_money
from tests.stack.pages.conftest import Visit

CASES = 400
SCRIPT = """async (cases) => {
  const costs = await import('/static/outcry/js/costs.js');
  const show = (value) => (value === null ? null : value.toString());
  return cases.map(({spec, side, isMarket, price, lots, bestBid, bestAsk, isToday}) => {
    const [bid, ask] = [BigInt(bestBid), BigInt(bestAsk)];
    const order = {side, isMarket, price: BigInt(price), lots: BigInt(lots), bestBid: bid, bestAsk: ask};
    const freeze = costs.openFreeze(spec, order);
    return [freeze && show(freeze.margin), freeze && show(freeze.fee),
      show(costs.closeFee(spec, BigInt(price), isToday)), costs.bounds(spec).map(show)];
  });
}"""


def instrument_make(rng: Random) -> Instrument:
    """A future with rates of every kind."""

    def ratio() -> int:
        return rng.choice([0, rng.randrange(1, 200_000_000), 120_000_000, 23_000])

    rates = Rates(
        margin_long_ratio=ratio(), margin_short_ratio=ratio(), margin_long_lot=rng.randrange(3) * 10_007,
        margin_short_lot=rng.randrange(3) * 5_003, fee_open_ratio=ratio(), fee_open_lot=rng.randrange(9) * 1_001,
        fee_close_ratio=ratio(), fee_close_lot=rng.randrange(5) * 777, fee_today_ratio=ratio(),
        fee_today_lot=rng.randrange(5) * 3, limit_up_ratio=rng.choice([0, 60_000_000, 100_000_000]),
        limit_down_ratio=rng.choice([40_000_000, 100_000_000]),
    )  # fmt: skip
    spec = InstrumentSpec(
        instrument="SHFE.x2612", name="x", product="SHFE.x", kind=terms.FUTURES, currency="CNY",
        multiplier=rng.choice([5, 10, 300]), tick_units=rng.choice([1, 2, 5]), tick_scale=rng.choice([0, 1, 2]),
        protection_ratio=rng.choice([0, 5_000_000, 33_333_333]), listing_price=rng.randrange(100, 90_000), rates=rates,
    )  # fmt: skip
    return Instrument(replace(spec))


def case_make(rng: Random) -> tuple[dict[str, Any], list[Any]]:
    """What the page is told, and what the core would freeze."""
    instrument = instrument_make(rng)
    spec, price = instrument.spec, rng.randrange(50, 90_000)
    side, is_market, is_today = rng.choice([1, -1]), rng.random() < 0.3, rng.random() < 0.5
    best_bid = rng.choice([0, price - rng.randrange(1, 40), price + rng.randrange(1, 40)])
    best_ask, lots = rng.choice([0, price + 41]), rng.randrange(1, 5_000)
    best = best_ask if side > 0 else best_bid
    expected: list[Any] = [None, None]
    at = instrument.protection(side, best) if is_market and best else price
    if best or not is_market:
        costs = instrument.costs(at if side > 0 else max(at, best_bid))
        margin = costs.margin_long if side > 0 else costs.margin_short
        expected = [str(margin * lots), str(costs.fee_open * lots)]
    closing = instrument.costs(price)
    upper, lower = instrument.price_bounds()
    expected += [str(closing.fee_today if is_today else closing.fee_close), [str(upper), str(lower)]]
    told = {
        "kind": "future", "tick_money": tick_money(spec), "upper": instrument.upper, "lower": instrument.lower,
        "last": instrument.reference(), "listing_price": spec.listing_price, "band_factor": spec.band_factor,
        "protection_ratio": spec.protection_ratio, "rates": asdict(spec.rates),
    }  # fmt: skip
    told = json.loads(json.dumps(told), parse_int=str)  # numbers reach the page's code as texts
    asked = {
        "spec": told, "side": side, "isMarket": is_market, "price": price, "lots": lots, "bestBid": best_bid,
        "bestAsk": best_ask, "isToday": is_today,
    }  # fmt: skip
    return asked, expected


def test_the_page_and_the_engine_agree_on_every_unit(visitor: Visit) -> None:
    rng = Random(20261121)
    cases = [case_make(rng) for _ in range(CASES)]
    who = visitor()
    who.open("/login")
    found = who.page.evaluate(SCRIPT, [asked for asked, _ in cases])
    for (asked, expected), answer in zip(cases, found, strict=True):
        assert answer == expected, asked


def test_numbers_keep_every_digit_through_the_page(visitor: Visit) -> None:
    who = visitor()
    who.open("/login")
    found = who.page.evaluate(
        """async () => {
          const n = await import('/static/outcry/js/numbers.js');
          const text = '{"a": 90071992547409931.0001, "b": "1.5", "c": [-0.10, "say \\\\"2.5\\\\""], "d": null}';
          const body = n.parseExact(text);
          return [body, n.shown(-5n, 3, 2), n.shown(1234567891235n, 4, 2), n.grouped('1234567.890'),
            n.percent(-34n, 46000n), n.percent(0n, 5n), n.fromUnits(-1n, 4), n.toUnits('1.00010', 4)?.toString(),
            n.toUnits('1.00001', 4), n.toUnits('1e5', 4), n.toUnits('', 4)];
        }"""
    )
    assert found == [
        {"a": "90071992547409931.0001", "b": "1.5", "c": ["-0.10", 'say "2.5"'], "d": None},
        "−0.01", "123,456,789.12", "1,234,567.890", "−0.07%", "0.00%", "−0.0001", "10001", None, None, None,
    ]  # fmt: skip
