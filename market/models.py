"""What is traded and what was: instruments, trading days, the public tape, bars, and how far history reaches.
Projected from the journal by market/projections.py; read by market/selectors.py and the admin."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.projected import ProjectedModel
from engine.core import commands, terms

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_of(ns: int) -> datetime:
    """The aware UTC time of nanoseconds since 1970, cut to microseconds."""
    return EPOCH + timedelta(microseconds=ns // 1000)


class UnitsField(models.DecimalField[int, int]):
    """An integer that may pass 63 bits: numeric(38, 0) in PostgreSQL, int in Python."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"] = 38
        kwargs["decimal_places"] = 0
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: Any, expression: object, connection: object) -> int | None:
        return None if value is None else int(value)


class Progress(ProjectedModel):
    """How far the projections of a partition reach: all up to `seq` is in the rows, nothing after it."""

    partition = models.SmallIntegerField(primary_key=True)
    epoch = models.BigIntegerField()
    time = models.BigIntegerField()  # of the batch that ends at `seq`, ns UTC
    event_hash = models.BinaryField(max_length=32)  # running hash of all events up to `seq`

    class Meta:
        base_manager_name = "objects"
        verbose_name_plural = "progress"
        constraints = [models.CheckConstraint(condition=Q(seq__gte=0), name="progress_seq_not_negative")]

    def __str__(self) -> str:
        return f"partition {self.partition} @ {self.seq}"


class TradingDay(ProjectedModel):
    """A trading day 交易日 as it was opened; `seq` is the command that opened it. An order id is a sequence,
    so the day of an order is the last one opened before it."""

    trading_day = models.IntegerField(primary_key=True)  # YYYYMMDD
    opened_at = models.BigIntegerField()  # ns UTC

    class Meta:
        base_manager_name = "objects"
        ordering = ["-trading_day"]
        constraints = [
            models.CheckConstraint(
                condition=Q(trading_day__gte=19700101, trading_day__lte=99991231),
                name="trading_day_is_a_date",
            )
        ]

    def __str__(self) -> str:
        return str(self.trading_day)


class Instrument(ProjectedModel):
    """An instrument: its rules in force, its state and its day (engine/core/views.py InstrumentView).

    Prices in ticks but pre_settlement and settlement (1/10,000 of the quote unit); ratios 10⁻⁹."""

    instrument = models.CharField(_("instrument"), max_length=64, primary_key=True)
    exchange_id = models.CharField(_("exchange"), max_length=32)
    instrument_id = models.CharField(_("id"), max_length=64, db_index=True)
    name = models.CharField(_("name"), max_length=128)
    product = models.CharField(_("product"), max_length=64, db_index=True)
    kind = models.SmallIntegerField()
    currency = models.CharField(max_length=16)
    base = models.TextField(blank=True)  # of futures: whatever the lister wrote
    multiplier = models.BigIntegerField()
    tick_units = models.BigIntegerField()
    tick_scale = models.SmallIntegerField()
    lot_units = models.BigIntegerField()
    lot_scale = models.SmallIntegerField()
    margin_group = models.CharField(max_length=64, blank=True)
    larger_side = models.SmallIntegerField()
    larger_side_until = UnitsField()
    close_rule = models.SmallIntegerField()
    close_fee_rule = models.SmallIntegerField()
    match_price_rule = models.SmallIntegerField()
    closetoday_alias = models.BooleanField()
    allow_market = models.BooleanField()
    protection_ratio = models.BigIntegerField()
    band_factor = models.IntegerField()
    notional_min = models.BigIntegerField()
    listing_price = models.BigIntegerField()
    last_trading_day = UnitsField()
    session_template = models.CharField(max_length=64)
    settlement_price_rule = models.SmallIntegerField()
    margin_long_ratio = models.BigIntegerField()
    margin_short_ratio = models.BigIntegerField()
    margin_long_lot = models.BigIntegerField()
    margin_short_lot = models.BigIntegerField()
    fee_open_ratio = models.BigIntegerField()
    fee_open_lot = models.BigIntegerField()
    fee_close_ratio = models.BigIntegerField()
    fee_close_lot = models.BigIntegerField()
    fee_today_ratio = models.BigIntegerField()
    fee_today_lot = models.BigIntegerField()
    limit_up_ratio = models.BigIntegerField()
    limit_down_ratio = models.BigIntegerField()
    limit_volume_min = models.BigIntegerField()
    limit_volume_max = models.BigIntegerField()
    market_volume_min = models.BigIntegerField()
    market_volume_max = models.BigIntegerField()
    position_limit = models.BigIntegerField()
    state = models.SmallIntegerField()
    phase = models.SmallIntegerField()
    upper = models.BigIntegerField()
    lower = models.BigIntegerField()
    pre_settlement = models.BigIntegerField()
    settlement = models.BigIntegerField()
    settlement_confirmed = models.BooleanField()
    last = models.BigIntegerField()
    open = models.BigIntegerField()
    high = models.BigIntegerField()
    low = models.BigIntegerField()
    volume = models.BigIntegerField()
    turnover = UnitsField()
    open_interest = models.BigIntegerField()
    pre_open_interest = models.BigIntegerField()
    pre_close = models.BigIntegerField()
    trading_day = models.IntegerField()

    class Meta:
        base_manager_name = "objects"
        ordering = ["instrument"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=[terms.FUTURES, terms.SPOT]), name="instrument_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(tick_units__gt=0, lot_units__gt=0), name="instrument_steps_positive"
            ),
            models.CheckConstraint(condition=Q(low__lte=F("high")), name="instrument_low_not_above_high"),
            models.CheckConstraint(
                condition=Q(volume__gte=0, turnover__gte=0, open_interest__gte=0),
                name="instrument_day_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return self.instrument

    @property
    def spec(self) -> commands.InstrumentSpec:
        """The rules in force as the core has them; what prices and quantities are converted by."""
        rates = commands.Rates(**{f.name: getattr(self, f.name) for f in fields(commands.Rates)})
        plain = {f.name: getattr(self, f.name) for f in fields(commands.InstrumentSpec) if f.name != "rates"}
        return commands.InstrumentSpec(**plain, rates=rates)


class PublicTrade(ProjectedModel):
    """A trade as everyone may see it: no account, no order. Partitioned by trading day."""

    trade_id = models.BigIntegerField(primary_key=True)  # with trading_day, in PostgreSQL
    trading_day = models.IntegerField()
    instrument = models.CharField(max_length=64)
    price = models.BigIntegerField()  # ticks
    volume = models.BigIntegerField()  # lots
    notional = models.BigIntegerField()  # quote money units
    taker_side = models.SmallIntegerField()
    open_interest = models.BigIntegerField()  # lots, one side, after it; spot: 0
    time = models.BigIntegerField()  # ns UTC

    class Meta:
        base_manager_name = "objects"
        indexes = [models.Index(fields=["instrument", "-trade_id"], name="public_trade_by_instrument")]
        constraints = [
            models.CheckConstraint(condition=Q(price__gt=0, volume__gt=0), name="public_trade_positive"),
            models.CheckConstraint(
                condition=Q(taker_side__in=[terms.BUY, terms.SELL]), name="public_trade_side_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.instrument} {self.trade_id}"

    @property
    def at(self) -> datetime:
        return time_of(self.time)


class Bar(ProjectedModel):
    """A 1-minute bar K 线 of one instrument and trading day; the newest may still be growing (`seq`)."""

    pk = models.CompositePrimaryKey("instrument", "trading_day", "start")
    instrument = models.CharField(max_length=64)
    trading_day = models.IntegerField()
    start = models.BigIntegerField()  # of the minute, ns UTC
    open = models.BigIntegerField()
    high = models.BigIntegerField()
    low = models.BigIntegerField()
    close = models.BigIntegerField()
    volume = models.BigIntegerField()
    turnover = UnitsField()
    open_interest_open = models.BigIntegerField()
    open_interest_close = models.BigIntegerField()

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.CheckConstraint(
                condition=Q(low__lte=F("open"), high__gte=F("open"))
                & Q(low__lte=F("close"), high__gte=F("close")),
                name="bar_open_close_within_low_high",
            ),
            models.CheckConstraint(condition=Q(volume__gt=0, turnover__gt=0), name="bar_has_traded"),
        ]

    def __str__(self) -> str:
        return f"{self.instrument} {time_of(self.start):%Y-%m-%d %H:%M}"
