"""Instruments as an operator types them: prices, money and ratios in people's units, the core's integers inside.
Used by market/admin.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.adminkit.acts import ReasonForm
from accounts.adminkit.numbers import ExactField, plain_text
from accounts.adminkit.refusals import refusal_put
from accounts.http.envelope import ApiError
from engine.border import from_units, to_units
from engine.core import terms
from engine.core.commands import InstrumentSpec, Rates
from market.calculations import (
    RATIO_SCALE,
    money_of,
    number_text,
    price_of,
    tick_size,
    ticks_parse,
    volume_of,
)

Text = str | Promise
Section = tuple[Text, tuple[str, ...]]

RATIOS: Final = (
    "margin_long_ratio", "margin_short_ratio", "fee_open_ratio", "fee_close_ratio", "fee_today_ratio",
    "limit_up_ratio", "limit_down_ratio",
)  # fmt: skip
MONEYS: Final = ("margin_long_lot", "margin_short_lot", "fee_open_lot", "fee_close_lot", "fee_today_lot")
LOTS: Final = (
    "limit_volume_min", "limit_volume_max", "market_volume_min", "market_volume_max", "position_limit",
)  # fmt: skip
RATE_LABELS: Final[dict[str, Text]] = {
    "margin_long_ratio": _("Margin, long (ratio)"),
    "margin_short_ratio": _("Margin, short (ratio)"),
    "margin_long_lot": _("Margin, long (a lot)"),
    "margin_short_lot": _("Margin, short (a lot)"),
    "fee_open_ratio": _("Fee, open (ratio)"),
    "fee_open_lot": _("Fee, open (a lot)"),
    "fee_close_ratio": _("Fee, close (ratio)"),
    "fee_close_lot": _("Fee, close (a lot)"),
    "fee_today_ratio": _("Fee, close today (ratio)"),
    "fee_today_lot": _("Fee, close today (a lot)"),
    "limit_up_ratio": _("Price limit, up (ratio)"),
    "limit_down_ratio": _("Price limit, down (ratio)"),
    "limit_volume_min": _("Limit order, smallest (lots)"),
    "limit_volume_max": _("Limit order, largest (lots)"),
    "market_volume_min": _("Market order, smallest (lots)"),
    "market_volume_max": _("Market order, largest (lots)"),
    "position_limit": _("Position limit (lots a side, 0: none)"),
}
SPOT_LABELS: Final[dict[str, Text]] = {
    "fee_open_ratio": _("Fee, maker (ratio)"),
    "fee_close_ratio": _("Fee, taker (ratio)"),
}
SPOT_RATES: Final = ("fee_open_ratio", "fee_close_ratio", *LOTS[:4])
# What the core calls a field, and the form.
FIELDS: Final = {
    "instrument_id": "instrument", "tick_units": "tick_size", "tick_scale": "tick_size", "lot_units": "lot_size",
    "lot_scale": "lot_size", "price": "listing_price",
}  # fmt: skip
RATE_SECTIONS: Final[tuple[Section, ...]] = (
    (_("Margin"), ("margin_long_ratio", "margin_short_ratio", "margin_long_lot", "margin_short_lot")),
    (
        _("Fees"),
        (
            "fee_open_ratio", "fee_open_lot", "fee_close_ratio", "fee_close_lot", "fee_today_ratio",
            "fee_today_lot",
        ),
    ),
    (_("Price limits"), ("limit_up_ratio", "limit_down_ratio")),
    (_("Sizes"), LOTS),
)  # fmt: skip


def rate_text(name: str, value: int, currency: str) -> str:
    """One rate as people write it: 0.12, 1.5, 500."""
    if name in RATIOS:
        return plain_text(from_units(value, RATIO_SCALE))
    return plain_text(money_of(currency, value)) if name in MONEYS else str(value)


def rates_texts(spec: InstrumentSpec, rates: Rates | None = None) -> dict[str, str]:
    """Every rate of the kind of instrument, by name."""
    rates = rates or spec.rates
    names = SPOT_RATES if spec.kind == terms.SPOT else tuple(field.name for field in fields(Rates))
    return {name: rate_text(name, getattr(rates, name), spec.currency) for name in names}


def rate_label(name: str, spec: InstrumentSpec) -> Text:
    """The rate's name in words."""
    return SPOT_LABELS.get(name, RATE_LABELS[name]) if spec.kind == terms.SPOT else RATE_LABELS[name]


class RatesFields(forms.Form):
    """The rates of one instrument; `spec` tells its kind and currency and gives the values to begin with."""

    def __init__(self, data: Any = None, *, spec: InstrumentSpec, initial: Mapping[str, Any] | None = None):
        self.given = spec
        super().__init__(data, initial={**rates_texts(spec), **(initial or {})})
        for name in rates_texts(spec):
            scale = RATIO_SCALE if name in RATIOS else 0
            if name in MONEYS:
                scale = terms.CURRENCY_SCALES[spec.currency]
            self.fields[name] = ExactField(label=rate_label(name, spec), scale=scale)

    @property
    def sections(self) -> list[tuple[Text, list[forms.BoundField]]]:
        """The fields by what they are about, for the template."""
        found = [
            (title, [self[name] for name in names if name in self.fields]) for title, names in self.layout
        ]
        return [(title, held) for title, held in found if held]

    @property
    def layout(self) -> tuple[Section, ...]:
        """Which field stands where."""
        return RATE_SECTIONS

    def rates(self) -> Rates:
        """What was typed, in the core's units."""
        typed = {
            name: to_units(self.cleaned_data[name], self._scale(name)) for name in rates_texts(self.given)
        }
        return replace(self.given.rates, **typed)

    def _scale(self, name: str) -> int:
        field = self.fields[name]
        return field.scale if isinstance(field, ExactField) else 0


class RatesForm(RatesFields, ReasonForm):
    """New rates, and why. `cleaned_data["rates"]` has them in the core's units."""

    def clean(self) -> dict[str, Any]:
        """Adds the rates."""
        cleaned = dict(super().clean() or {})
        return cleaned if self.errors else {**cleaned, "rates": self.rates()}

    @property
    def layout(self) -> tuple[Section, ...]:
        """The reason comes last."""
        return (*RATE_SECTIONS, (_("Why"), ("reason",)))


CHOICES: Final[dict[str, tuple[Text, tuple[tuple[int, Text], ...]]]] = {
    "larger_side": (
        _("Margin on the larger side only"),
        (
            (terms.LARGER_OFF, _("no: both sides are charged")),
            (terms.LARGER_ON, _("yes")),
            (terms.LARGER_AT_SETTLEMENT, _("at settlement only")),
        ),
    ),
    "close_rule": (
        _("What a close order closes"),
        (
            (terms.CLOSE_FIFO, _("the oldest lots first")),
            (terms.CLOSE_EXPLICIT, _("history lots; close-today closes today's")),
            (terms.CLOSE_TODAY_FIRST, _("today's lots first")),
        ),
    ),
    "close_fee_rule": (
        _("Close-today fee"),
        (
            (terms.FEE_BY_LOT, _("for today's lots")),
            (terms.FEE_TODAY_POOL, _("for as many lots as were opened today")),
        ),
    ),
    "match_price_rule": (
        _("Trade price"),
        (
            (terms.MATCH_MIDDLE, _("the middle of bid, ask and last")),
            (terms.MATCH_MAKER, _("the resting order's price")),
        ),
    ),
    "settlement_price_rule": (
        _("Settlement price"),
        (
            (terms.SETTLE_VWAP_DAY, _("average of the day")),
            (terms.SETTLE_VWAP_LAST_HOUR, _("average of the last hour")),
        ),
    ),
}
FUTURE_SECTIONS: Final[tuple[Section, ...]] = (
    (_("Contract"), ("instrument", "name", "last_trading_day", "listing_price", "multiplier", "tick_size")),
    (
        _("Rules"),
        (
            "close_rule", "close_fee_rule", "match_price_rule", "settlement_price_rule", "margin_group",
            "larger_side", "larger_side_until", "allow_market", "closetoday_alias",
        ),
    ),
)  # fmt: skip
SPOT_SECTIONS: Final[tuple[Section, ...]] = (
    (_("Market"), ("instrument", "name", "listing_price", "tick_size", "lot_size", "notional_min")),
    (_("Rules"), ("match_price_rule", "protection_ratio", "band_factor", "allow_market")),
)


class ListingForm(RatesFields):
    """A new instrument, begun from a template's specification. After `is_valid`, `spec` is what was typed."""

    instrument = forms.CharField(
        label=_("Instrument"),
        max_length=terms.INSTRUMENT_ID_LENGTH,
        help_text=_("Exchange and id: CFFEX.IF2512"),
    )
    name = forms.CharField(label=_("Name"), max_length=64)
    listing_price = ExactField(
        label=_("Listing price"), scale=12, help_text=_("The first day's price limits lie around it.")
    )
    multiplier = ExactField(label=_("Multiplier"), scale=0, is_positive=True)
    tick_size = ExactField(label=_("Tick"), scale=12, is_positive=True)
    lot_size = ExactField(label=_("Lot step"), scale=12, is_positive=True)
    notional_min = ExactField(label=_("Smallest order value"), scale=4)
    last_trading_day = forms.RegexField(
        r"^(0|[12][0-9]{7})$", label=_("Last trading day"), help_text=_("YYYYMMDD; 0: perpetual")
    )
    margin_group = forms.CharField(
        label=_("Margin group"), max_length=64, required=False, help_text=_("Empty: the product")
    )
    larger_side_until = forms.RegexField(
        r"^(0|[12][0-9]{7})$", label=_("Larger side until"), help_text=_("YYYYMMDD; 0: always")
    )
    protection_ratio = ExactField(
        label=_("Market orders reach at most (ratio)"), scale=RATIO_SCALE, help_text=_("From the best price")
    )
    band_factor = ExactField(label=_("Price band (factor)"), scale=0)
    allow_market = forms.BooleanField(label=_("Market orders"), required=False)
    closetoday_alias = forms.BooleanField(label=_("Takes close-today for close"), required=False)

    def __init__(self, data: Any = None, *, spec: InstrumentSpec):
        super().__init__(data, spec=spec, initial=_initial(spec))
        for name, (label, choices) in CHOICES.items():
            self.fields[name] = forms.TypedChoiceField(label=str(label), choices=choices, coerce=int)
        wanted = {name for _, names in self.layout for name in names}
        for name in [name for name in self.fields if name not in wanted]:
            del self.fields[name]

    @property
    def layout(self) -> tuple[Section, ...]:
        """Futures and spot ask for different things."""
        own = SPOT_SECTIONS if self.given.kind == terms.SPOT else FUTURE_SECTIONS
        return (*own, *RATE_SECTIONS)

    def clean(self) -> dict[str, Any]:
        """The specification as a whole; what cannot be said in the core's units is refused on its field."""
        cleaned = dict(super().clean() or {})
        if not self.errors:
            try:
                self.spec = self._spec(cleaned)
            except ApiError as error:
                refusal_put(self, error, FIELDS)
        return cleaned

    def _spec(self, cleaned: Mapping[str, Any]) -> InstrumentSpec:
        plain: dict[str, Any] = {name: cleaned[name] for name in ("instrument", "name")}
        plain["tick_units"], plain["tick_scale"] = _step(cleaned["tick_size"])
        for name in ("multiplier", "band_factor"):
            if name in cleaned:
                plain[name] = int(cleaned[name])
        for name in ("last_trading_day", "larger_side_until"):
            if name in cleaned:
                plain[name] = int(cleaned[name])
        for name in (*CHOICES, "margin_group", "allow_market", "closetoday_alias"):
            if name in cleaned:
                plain[name] = cleaned[name]
        if self.given.kind == terms.SPOT:
            plain["lot_units"], plain["lot_scale"] = _step(cleaned["lot_size"])
            plain["protection_ratio"] = to_units(cleaned["protection_ratio"], RATIO_SCALE)
            plain["notional_min"] = to_units(
                cleaned["notional_min"], terms.CURRENCY_SCALES[self.given.currency]
            )
        spec = replace(self.given, **plain, rates=self.rates())
        return replace(spec, listing_price=ticks_parse(spec, cleaned["listing_price"], "listing_price"))


def _initial(spec: InstrumentSpec) -> dict[str, Any]:
    """The form's values of a specification."""
    plain = {name: getattr(spec, name) for name in ("instrument", "name", "margin_group", *CHOICES)}
    return {
        **plain,
        "listing_price": number_text(price_of(spec, spec.listing_price)),
        "tick_size": number_text(tick_size(spec)),
        "lot_size": number_text(volume_of(spec, 1)),
        "multiplier": str(spec.multiplier),
        "band_factor": str(spec.band_factor),
        "notional_min": plain_text(money_of(spec.currency, spec.notional_min)),
        "protection_ratio": plain_text(from_units(spec.protection_ratio, RATIO_SCALE)),
        "last_trading_day": str(spec.last_trading_day),
        "larger_side_until": str(spec.larger_side_until),
        "allow_market": spec.allow_market,
        "closetoday_alias": spec.closetoday_alias,
    }


def _step(size: Decimal) -> tuple[int, int]:
    """A step's (units, scale): 0.2 is (2, 1), 10 is (10, 0)."""
    text = plain_text(size)
    scale = len(text.partition(".")[2])
    return to_units(size, scale), scale
