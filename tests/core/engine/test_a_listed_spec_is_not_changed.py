"""New rates make a new spec: the command, its event and views already handed out stay as they were.
Run by pytest."""

from copy import deepcopy

from engine.core import commands as c
from engine.core import terms
from engine.core.engine import Engine
from tests.model.market import FIRST_DAY, OPERATE, futures_rates, rebar


def test_the_roll_changes_the_instrument_and_nothing_else() -> None:
    engine, spec = Engine(), rebar()
    wanted = deepcopy(spec)
    listed = engine.apply([c.DayOpen(0, OPERATE, FIRST_DAY), c.InstrumentList(0, OPERATE, spec)], 1, 1)
    view = engine.instrument_view(spec.instrument)
    rates = futures_rates(margin_long_ratio=2 * 10**8)
    engine.apply([c.InstrumentRatesSet(0, OPERATE, spec.instrument, rates)], 3, 2)
    engine.apply([c.DayStep(0, OPERATE, 1, terms.STEP_CLOSED, 0)], 4, 3)
    engine.apply([c.SettlementPriceSet(0, OPERATE, spec.instrument, 0)], 5, 4)
    steps = (terms.STEP_EXPIRED, terms.STEP_SETTLED, terms.STEP_RATED)
    engine.apply([c.DayStep(0, OPERATE, 1, step, 0) for step in steps], 6, 5)
    assert engine.instrument_view(spec.instrument).spec.rates == rates
    assert spec == wanted
    assert view.spec == wanted
    assert listed.events[-1].spec == wanted  # type: ignore[union-attr]
