"""What the trader's page needs to know of every instrument, in the integers of the core.
Called by Django through market/page_urls.py; the page computes costs exactly from these."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from accounts.http.envelope import ApiError, error_response
from accounts.http.pages import page_login_required
from accounts.principals import Principal
from engine.border import json_dumps
from engine.core import terms
from engine.core.codes import Code
from engine.core.views import InstrumentView, tick_money
from engine.live import LiveRebuilding, live
from market.calculations import bare_id, exchange_id
from market.wire import KINDS, PHASES, STATES

CLOSE_RULES = {
    terms.CLOSE_EXPLICIT: "EXPLICIT",
    terms.CLOSE_FIFO: "FIFO",
    terms.CLOSE_TODAY_FIRST: "TODAY_FIRST",
}


@method_decorator(never_cache, name="dispatch")
class InstrumentsData(View):
    """/pages/instruments"""

    @page_login_required
    def get(self, request: HttpRequest, principal: Principal) -> HttpResponseBase:
        """Every instrument that is not delisted; LIVE_REBUILDING (503) while it cannot be read."""
        try:
            views = live().instruments().value
        except LiveRebuilding:
            return error_response(ApiError(Code.LIVE_REBUILDING, retry_after=1))
        listed = [view for view in views if view.state != terms.DELISTED]
        listed.sort(key=lambda view: (view.spec.kind, view.spec.instrument))
        body = {
            "scales": terms.CURRENCY_SCALES,
            "instruments": [instrument_data(view) for view in listed],
        }
        return HttpResponse(json_dumps(body), content_type="application/json")


def instrument_data(view: InstrumentView) -> dict[str, Any]:
    """An instrument's rules and day. Prices in ticks (pre_settlement: 1/10,000), money in units, ratios 10⁻⁹."""
    spec = view.spec
    return {
        "id": bare_id(spec.instrument),
        "full_id": spec.instrument,
        "exchange": exchange_id(spec.instrument),
        "name": spec.name,
        "kind": KINDS[spec.kind],
        "currency": spec.currency,
        "base": spec.base,
        "multiplier": spec.multiplier,
        "tick_units": spec.tick_units,
        "tick_scale": spec.tick_scale,
        "lot_units": spec.lot_units if spec.kind == terms.SPOT else 1,
        "lot_scale": spec.lot_scale if spec.kind == terms.SPOT else 0,
        "tick_money": tick_money(spec),
        "close_rule": CLOSE_RULES[spec.close_rule],
        "closetoday_alias": spec.closetoday_alias,
        "allow_market": spec.allow_market,
        "protection_ratio": spec.protection_ratio,
        "band_factor": spec.band_factor,
        "notional_min": spec.notional_min,
        "listing_price": spec.listing_price,
        "last_trading_day": spec.last_trading_day,
        "rates": asdict(spec.rates),
        "upper": view.upper,
        "lower": view.lower,
        "pre_settlement": view.pre_settlement,
        "pre_close": view.pre_close,
        "last": view.last,
        "status": STATES[view.state],
        "phase": PHASES[view.phase],
        "trading_day": view.trading_day,
    }
