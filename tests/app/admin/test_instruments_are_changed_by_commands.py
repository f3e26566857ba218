"""Listing, rates, suspending, resuming, delisting from the console: a command each, refusals on the field, audit rows.
Run by pytest in the app tier."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.urls import reverse

from accounts.models import AuditEntry
from engine.core import terms
from engine.core.codes import Code
from market.models import Instrument
from tests.support.console import Console, deeds
from tests.support.venue import BTC, IF, order

ADD = "/admin/market/instrument/add/"
LISTING = f"{ADD}?template=CFFEX.IH"


def form_of(console: Console, path: str) -> dict[str, Any]:
    """What the browser would send of an untouched form."""
    form = console.operator.get(path).context["form"]
    values = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    return {name: value for name, value in values.items() if value is not None and value is not False}


def rates_path(console: Console, instrument: str = IF.instrument) -> str:
    return console.act("market_instrument", instrument, "rates")


def test_the_templates_are_the_catalogues_products(console: Console) -> None:
    rows = console.operator.get(ADD).context["rows"]
    keys = [row["template"].key for row in rows]
    assert keys == [
        "CFFEX.IF", "CFFEX.IH", "CZCE.SR", "DCE.m", "SHFE.cu", "SHFE.rb", "SPOT.BTC_USDT", "SPOT.SOL_USDC",
    ]  # fmt: skip
    assert all(len(row["months"]) >= 10 for row in rows[:6])
    assert [row["is_full"] for row in rows[6:]] == [True, False]


def test_a_contract_is_listed_from_its_template(console: Console) -> None:
    fields = {**form_of(console, LISTING), "instrument": "CFFEX.IH9912", "listing_price": "3000.4"}
    answer = console.operator.post(LISTING, fields)
    assert answer.status_code == 302, answer.context["form"].errors
    assert answer["Location"] == reverse("admin:market_instrument_change", args=["CFFEX.IH9912"])
    spec = console.engine.instruments["CFFEX.IH9912"].spec
    assert (spec.listing_price, spec.tick_units, spec.tick_scale, spec.multiplier) == (15_002, 2, 1, 300)
    assert (spec.rates.margin_long_ratio, spec.rates.fee_today_ratio) == (120_000_000, 345_000)
    assert (spec.close_fee_rule, spec.margin_group) == (terms.FEE_TODAY_POOL, "CFFEX.IF+IH+IC+IM")
    assert Instrument.objects.get(pk="CFFEX.IH9912").spec == spec
    target = "CFFEX.IH9912"
    assert deeds() == [("instrument.list", target, "asked", None), ("instrument.list", target, "done", None)]


def test_a_spot_market_is_listed_from_its_template(console: Console) -> None:
    path = f"{ADD}?template=SPOT.SOL_USDC"
    answer = console.operator.post(path, {**form_of(console, path), "fee_open_ratio": "0.0002"})
    assert answer.status_code == 302, answer.context["form"].errors
    spec = console.engine.instruments["SPOT.SOL_USDC"].spec
    assert (spec.base, spec.lot_units, spec.lot_scale, spec.notional_min) == ("SOL", 1, 3, 5_000_000)
    assert (spec.rates.fee_open_ratio, spec.rates.fee_close_ratio) == (200_000, 1_000_000)


IMPOSSIBLE = (
    ("listing_price", "3000.3"),  # off tick
    ("listing_price", "NaN"),
    ("listing_price", "1e400"),
    ("listing_price", "３０００"),
    ("listing_price", "0"),
    ("margin_long_ratio", "-0.1"),
    ("margin_long_ratio", "0.1234567891"),  # more places than the core counts
    ("fee_open_lot", "Infinity"),
    ("multiplier", "0"),
    ("limit_volume_max", "0"),
    ("tick_size", "0"),
    ("last_trading_day", "tomorrow"),
    ("instrument", "no exchange"),
    ("close_rule", "9"),
)


def test_a_value_that_cannot_be_is_refused_on_its_field(console: Console) -> None:
    before, untouched = console.state(), form_of(console, LISTING)
    for field, value in IMPOSSIBLE:
        fields = {**untouched, "instrument": "CFFEX.IH9912", field: value}
        answer = console.operator.post(LISTING, fields)
        assert answer.status_code == 422, (field, value)
        assert list(answer.context["form"].errors) == [field], (field, value)
    assert console.state() == before


def test_the_cores_refusal_stands_on_its_field_in_the_readers_language(console: Console) -> None:
    before = console.state()
    fields = {**form_of(console, LISTING), "instrument": IF.instrument}
    english = console.operator.post(LISTING, fields)
    chinese = console.operator.post(LISTING, fields, **{"Accept-Language": "zh-CN"})
    assert english.status_code == chinese.status_code == 422
    assert english.context["form"].errors == {"instrument": ["The instrument exists already (1102)"]}
    assert chinese.context["form"].errors == {"instrument": ["合约已存在 (1102)"]}
    assert console.state() == before
    refused = ("instrument.list", IF.instrument, "refused", 1102)
    assert deeds() == [("instrument.list", IF.instrument, "asked", None), refused] * 2


def test_suspending_stops_orders_at_once_and_resuming_lets_them_in(console: Console) -> None:
    path = console.act("market_instrument", IF.instrument, "suspend")
    said = console.operator.get(path)
    assert b"takes no orders" in said.content
    assert console.engine.instruments[IF.instrument].state == terms.TRADING  # looking does nothing
    assert console.operator.post(path, {"reason": "rumours"}).status_code == 302
    assert console.engine.instruments[IF.instrument].state == terms.SUSPENDED
    assert Instrument.objects.get(pk=IF.instrument).state == terms.SUSPENDED
    buy = order(console.bob.pk, terms.BUY, 19_000, 1, "b2", owner=console.bob.user_id)
    assert console.venue.door.call_sync(buy).code == Code.INSTRUMENT_NOT_TRADING
    resume = console.act("market_instrument", IF.instrument, "resume")
    assert console.operator.post(resume, {"reason": "they were nothing"}).status_code == 302
    assert console.venue.door.call_sync(replace(buy, client_order_id="b3")).code == 0
    row = AuditEntry.objects.get(action="instrument.suspend", outcome="done")
    assert (row.before, row.after) == ({"state": "trading"}, {"state": "suspended"})
    assert (row.actor_name, row.address, row.reason) == ("olga", "127.0.0.1", "rumours")
    assert row.seq is not None
    asked = AuditEntry.objects.get(pk=row.asked or 0)
    assert (asked.outcome, asked.reason, asked.seq) == ("asked", "rumours", None)


def test_nothing_is_done_without_a_reason(console: Console) -> None:
    before = console.state()
    answer = console.operator.post(console.act("market_instrument", IF.instrument, "suspend"))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == ["reason"]
    assert (console.state(), deeds()) == (before, [])


def test_an_instrument_somebody_holds_is_not_delisted(console: Console) -> None:
    before = console.state()
    path = console.act("market_instrument", IF.instrument, "delist")
    answer = console.operator.post(path, {"reason": "over"})
    assert answer.status_code == 422
    assert answer.context["form"].non_field_errors() == ["2 accounts hold it or have orders in it (1106)"]
    assert console.state() == before
    assert deeds()[-1] == ("instrument.delist", IF.instrument, "refused", 1106)


def test_an_instrument_nobody_holds_is_delisted_for_good(console: Console) -> None:
    path = console.act("market_instrument", BTC.instrument, "delist")
    assert console.operator.post(path, {"reason": "over"}).status_code == 302
    assert console.engine.instruments[BTC.instrument].state == terms.DELISTED
    resume = console.act("market_instrument", BTC.instrument, "resume")
    assert console.operator.post(resume, {"reason": "back"}).status_code == 422
    assert console.engine.instruments[BTC.instrument].state == terms.DELISTED
    page = console.operator.get(reverse("admin:market_instrument_change", args=[BTC.instrument]))
    assert page.context["acts"] == []


def test_new_rates_wait_for_the_roll_and_are_shown_waiting(console: Console) -> None:
    path = rates_path(console)
    fields = {
        **form_of(console, path),
        "margin_long_ratio": "0.15",
        "fee_open_lot": "1.25",
        "reason": "holidays",
    }
    assert console.operator.post(path, fields).status_code == 302
    instrument = console.engine.instruments[IF.instrument]
    assert instrument.rates == IF.rates
    expected = replace(IF.rates, margin_long_ratio=150_000_000, fee_open_lot=12_500)
    assert instrument.rates_next == expected
    page = console.operator.get(reverse("admin:market_instrument_change", args=[IF.instrument]))
    waiting = [(str(label), now, then) for label, now, then in page.context["pending"]]
    assert sorted(waiting) == [("Fee, open (a lot)", "0", "1.25"), ("Margin, long (ratio)", "0.12", "0.15")]
    row = AuditEntry.objects.get(action="instrument.rates", outcome="done")
    assert row.before == {"margin_long_ratio": "0.12", "fee_open_lot": "0"}
    assert row.after == {"margin_long_ratio": "0.15", "fee_open_lot": "1.25"}


def test_rates_out_of_range_are_refused_on_the_field(console: Console) -> None:
    path, before = rates_path(console), console.state()
    fields = {**form_of(console, path), "limit_down_ratio": "1", "reason": "why not"}
    answer = console.operator.post(path, fields)
    assert answer.status_code == 422
    assert answer.context["form"].errors == {
        "limit_down_ratio": ["Price limit, down (ratio) is out of range (1109)"]
    }
    assert console.state() == before


def test_a_venue_without_a_leader_says_so_and_nothing_was_done(console: Console) -> None:
    console.venue.serve_abort()
    path = console.act("market_instrument", IF.instrument, "suspend")
    answer = console.operator.post(path, {"reason": "rumours"})
    assert answer.status_code == 422
    (said,) = answer.context["form"].non_field_errors()
    assert "(5002)" in said or "(5004)" in said
    assert console.engine.instruments[IF.instrument].state == terms.TRADING
    assert deeds()[-1][2] in ("refused", "unknown")


def test_a_row_that_lags_is_said_to_be_shown_soon(console_without_history: Console) -> None:
    console = console_without_history
    path = console.act("market_instrument", IF.instrument, "suspend")
    answer = console.operator.client.post(path, {"reason": "rumours"}, follow=True)
    (said,) = [str(message) for message in answer.context["messages"]]
    assert said.endswith("accepted. It will be shown here soon.")
    assert console.engine.instruments[IF.instrument].state == terms.SUSPENDED
    assert Instrument.objects.get(pk=IF.instrument).state == terms.TRADING
