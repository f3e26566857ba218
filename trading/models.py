"""Orders, trades, positions and spot wallets as history has them; all projected from the journal.
Written by trading/projections.py; read by trading/selectors.py, the statements and the admin."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.projected import ProjectedModel
from engine.core import terms
from market.models import UnitsField, time_of

SIDES = [(terms.BUY, _("buy")), (terms.SELL, _("sell"))]
OFFSETS = [(terms.OPEN, _("open")), (terms.CLOSE, _("close")), (terms.CLOSETODAY, _("close today"))]


class Order(ProjectedModel):
    """An accepted order, live or finished. `order_id` is the sequence of its submit. Partitioned by the
    trading day it was accepted on."""

    class Status(models.IntegerChoices):
        LIVE = terms.LIVE, _("live")
        FILLED = terms.FILLED, _("filled")
        CANCELLED = terms.CANCELLED, _("cancelled")
        EXPIRED = terms.EXPIRED, _("expired")

    order_id = models.BigIntegerField(primary_key=True)  # with trading_day, in PostgreSQL
    trading_day = models.IntegerField(_("trading day"))
    account_id = models.BigIntegerField(_("account"))
    instrument = models.CharField(_("instrument"), max_length=64)
    client_order_id = models.CharField(_("client order id"), max_length=128, blank=True)
    side = models.SmallIntegerField(_("side"), choices=SIDES)
    offset = models.SmallIntegerField(_("offset"), choices=OFFSETS)
    kind = models.SmallIntegerField()
    time_in_force = models.SmallIntegerField()
    post_only = models.BooleanField()
    price = models.BigIntegerField()  # ticks; MARKET: the protection price
    volume = models.BigIntegerField()  # lots
    budget = models.BigIntegerField()  # quote units, spot market buys; else 0
    left = models.BigIntegerField()  # lots; at the end: what was not filled
    filled = models.BigIntegerField()  # lots
    turnover = models.BigIntegerField()  # money units of the quote currency, all its trades
    fee = models.BigIntegerField()  # futures and spot sells: quote units; spot buys: base units
    trades = models.IntegerField()
    status = models.SmallIntegerField(_("status"), choices=Status.choices)
    code = models.IntegerField()  # why it ended (engine/core/codes.py); 0: none
    accepted_at = models.BigIntegerField()  # ns UTC
    updated_at = models.BigIntegerField()  # ns UTC

    class Meta:
        base_manager_name = "objects"
        indexes = [
            models.Index(fields=["account_id", "-order_id"], name="order_by_account"),
            models.Index(fields=["account_id", "client_order_id"], name="order_by_client_order_id"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(side__in=[terms.BUY, terms.SELL]), name="order_side_known"),
            models.CheckConstraint(
                condition=Q(left__gte=0, filled__gte=0, turnover__gte=0, fee__gte=0, trades__gte=0),
                name="order_figures_not_negative",
            ),
            # A budget order has no volume of its own.
            models.CheckConstraint(
                condition=~Q(budget=0) | Q(filled=F("volume") - F("left")),
                name="order_filled_and_left_is_volume",
            ),
            models.CheckConstraint(
                condition=~Q(status=terms.FILLED) | Q(left=0) | Q(budget__gt=0),
                name="order_filled_has_nothing_left",
            ),
            models.CheckConstraint(
                condition=Q(updated_at__gte=F("accepted_at"), seq__gte=F("order_id")),
                name="order_times_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"order {self.order_id}"

    @property
    def accepted(self) -> datetime:
        return time_of(self.accepted_at)

    @property
    def updated(self) -> datetime:
        return time_of(self.updated_at)


class Trade(ProjectedModel):
    """One side of a match: each has two rows, the buyer's and the seller's. Partitioned by trading day."""

    row_id = models.BigIntegerField(primary_key=True)  # 2 × trade_id, + 1 for the seller
    trade_id = models.BigIntegerField()
    trading_day = models.IntegerField(_("trading day"))
    account_id = models.BigIntegerField(_("account"))
    order_id = models.BigIntegerField(_("order"))
    instrument = models.CharField(_("instrument"), max_length=64)
    side = models.SmallIntegerField(_("side"), choices=SIDES)
    offset = models.SmallIntegerField(_("offset"), choices=OFFSETS)
    is_taker = models.BooleanField(_("taker"))
    price = models.BigIntegerField()  # ticks
    volume = models.BigIntegerField()  # lots
    notional = models.BigIntegerField()  # money units of the quote currency
    fee = models.BigIntegerField()  # as Order.fee
    close_profit = models.BigIntegerField()  # money units, by day; 0 for opens and spot
    closed_today = models.BigIntegerField()  # lots of today's among the closed ones
    time = models.BigIntegerField()  # ns UTC

    class Meta:
        base_manager_name = "objects"
        indexes = [
            models.Index(fields=["account_id", "-row_id"], name="trade_by_account"),
            models.Index(fields=["order_id"], name="trade_by_order"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(side__in=[terms.BUY, terms.SELL]), name="trade_side_known"),
            models.CheckConstraint(
                condition=Q(price__gt=0, volume__gt=0, notional__gt=0, fee__gte=0), name="trade_positive"
            ),
            models.CheckConstraint(
                condition=Q(closed_today__gte=0, closed_today__lte=F("volume")),
                name="trade_closed_today_within_volume",
            ),
        ]

    def __str__(self) -> str:
        return f"trade {self.trade_id} {'buy' if self.side == terms.BUY else 'sell'}"

    @property
    def at(self) -> datetime:
        return time_of(self.time)


class Position(ProjectedModel):
    """One account in one instrument (engine/core/views.py PositionView); no row when it holds nothing.

    Volumes in lots; costs and margin in money units. `seq`: when the account last changed."""

    pk = models.CompositePrimaryKey("account_id", "instrument")
    account_id = models.BigIntegerField(_("account"))
    instrument = models.CharField(_("instrument"), max_length=64, db_index=True)
    long_today = models.BigIntegerField()
    long_history = models.BigIntegerField()
    long_frozen_today = models.BigIntegerField()
    long_frozen_history = models.BigIntegerField()
    long_open_cost = UnitsField()
    long_position_cost = UnitsField()
    long_margin = UnitsField()
    short_today = models.BigIntegerField()
    short_history = models.BigIntegerField()
    short_frozen_today = models.BigIntegerField()
    short_frozen_history = models.BigIntegerField()
    short_open_cost = UnitsField()
    short_position_cost = UnitsField()
    short_margin = UnitsField()

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.CheckConstraint(
                condition=Q(long_today__gte=0, long_history__gte=0, short_today__gte=0, short_history__gte=0),
                name="position_lots_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(long_frozen_today__gte=0, long_frozen_history__gte=0)
                & Q(long_frozen_today__lte=F("long_today"), long_frozen_history__lte=F("long_history"))
                & Q(short_frozen_today__gte=0, short_frozen_history__gte=0)
                & Q(short_frozen_today__lte=F("short_today"), short_frozen_history__lte=F("short_history")),
                name="position_frozen_within_lots",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.instrument}"


class Wallet(ProjectedModel):
    """One asset of an account's spot side, in units of the asset. `seq`: when the account last changed."""

    pk = models.CompositePrimaryKey("account_id", "asset")
    account_id = models.BigIntegerField(_("account"))
    asset = models.CharField(_("asset"), max_length=16)
    available = UnitsField()
    locked = UnitsField()

    class Meta:
        base_manager_name = "objects"
        constraints = [
            models.CheckConstraint(condition=Q(available__gte=0, locked__gte=0), name="wallet_not_negative")
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.asset}"
