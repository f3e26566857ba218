"""The admin's pages of orders, trades and positions: read-only, with search, filters and export.
Called by Django's admin; the account's page gets its positions and live orders from here."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.adminkit.acts import ActsAdmin
from accounts.adminkit.badges import badge, moment_text, money, number
from accounts.adminkit.exports import ListAdmin, PlainListAdmin
from accounts.adminkit.funds import DETAILS
from accounts.adminkit.refusals import code_text
from accounts.rights import Right
from engine.core import terms
from engine.core.views import OrderView
from engine.live import LivePrivate, live
from market.calculations import money_of, price_of, volume_of
from market.models import time_of
from market.shown import DayFilter, account_link, instrument_link, spec_shown
from trading.models import Order, Position, Trade
from trading.wire import ORDER_TYPES, TIMES_IN_FORCE, client_id_wire, positions_wire

_STATUS_KINDS = {terms.LIVE: "info", terms.FILLED: "good", terms.CANCELLED: "quiet", terms.EXPIRED: "quiet"}


def side_words(row: Any) -> str:
    """ "buy close today"; on spot, which has no positions, "buy"."""
    spec = spec_shown(row.instrument)
    side = str(row.get_side_display())
    return side if spec is not None and spec.kind == terms.SPOT else f"{side} {row.get_offset_display()}"


def side_shown(row: Any) -> str:
    """Buy or sell and the offset, in the market's colours."""
    kind = "up" if row.side == terms.BUY else "down"
    words = side_words(row)
    return format_html('<span class="side-{}">{}</span>', kind, words)


def price_shown(row: Any, ticks: int) -> Any:
    """Ticks as a price; the bare ticks of an instrument nobody knows."""
    spec = spec_shown(row.instrument)
    return price_of(spec, ticks) if spec is not None else ticks


def lots_shown(row: Any, lots: int) -> Any:
    """Lots as the market counts them."""
    spec = spec_shown(row.instrument)
    return volume_of(spec, lots) if spec is not None else lots


class HistoryAdmin(ListAdmin, ActsAdmin):
    """Rows of the journal: nobody does anything to them."""

    right_view = Right.ACCOUNTS_READ
    list_filter: ClassVar[Any] = (DayFilter, "side", "offset")

    @admin.display(description=gettext_lazy("Account"), ordering="account_id")
    def account(self, row: Any) -> str:
        """A link."""
        return account_link(row.account_id)

    def export_account(self, row: Any) -> int:
        """The number."""
        return int(row.account_id)

    @admin.display(description=gettext_lazy("Instrument"), ordering="instrument")
    def contract(self, row: Any) -> str:
        """A link."""
        return instrument_link(row.instrument)

    def export_contract(self, row: Any) -> str:
        """The id."""
        return str(row.instrument)

    @admin.display(description=gettext_lazy("Side"))
    def side_and_offset(self, row: Any) -> str:
        """Words in the market's colours."""
        return side_shown(row)

    def export_side_and_offset(self, row: Any) -> str:
        """Words."""
        return side_words(row)

    @admin.display(description=gettext_lazy("Price"))
    def price_text(self, row: Any) -> str:
        """In the instrument's places."""
        return number(price_shown(row, row.price))

    def export_price_text(self, row: Any) -> Any:
        """In the instrument's places."""
        return price_shown(row, row.price)

    @admin.display(description=gettext_lazy("Volume"))
    def volume_text(self, row: Any) -> str:
        """As the market counts."""
        return number(lots_shown(row, row.volume))

    def export_volume_text(self, row: Any) -> Any:
        """As the market counts."""
        return lots_shown(row, row.volume)


@admin.register(Order)
class OrderAdmin(HistoryAdmin):
    """Orders, live and finished, as far as history reaches."""

    list_title = gettext_lazy("Orders")
    search_hint = gettext_lazy("Order, account, client id, instrument")
    list_display = (
        "order_id", "accepted_shown", "account", "contract", "side_and_offset", "type_shown", "price_text",
        "volume_text", "filled_text", "status_shown",
    )  # fmt: skip
    export_columns = (
        "order_id", "trading_day", "accepted_shown", "account", "contract", "client_order_id", "side", "offset",
        "type_shown", "price_text", "volume_text", "filled_text", "turnover_text", "status", "code", "seq",
    )  # fmt: skip
    list_filter = (DayFilter, "status", "side", "offset")
    search_fields = ("=order_id", "=account_id", "=client_order_id", "instrument")
    ordering = ("-order_id",)
    fields = (
        "order_id", "account", "contract", "client_id", "side_and_offset", "type_shown", "price_text", "volume_text",
        "filled_text", "turnover_text", "status_shown", "why", "accepted_shown", "updated_shown", "trading_day",
        "seq", "trades_link",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("Accepted"), ordering="order_id")
    def accepted_shown(self, row: Order) -> Any:
        """UTC."""
        return moment_text(row.accepted)

    def export_accepted_shown(self, row: Order) -> Any:
        """UTC."""
        return row.accepted

    @admin.display(description=gettext_lazy("Last change"))
    def updated_shown(self, row: Order) -> Any:
        """UTC."""
        return moment_text(row.updated)

    @admin.display(description=gettext_lazy("Type"))
    def type_shown(self, row: Order) -> str:
        """LIMIT DAY, MARKET IOC, …"""
        post = " POST_ONLY" if row.post_only else ""
        return f"{ORDER_TYPES[row.kind]} {TIMES_IN_FORCE[row.time_in_force]}{post}"

    @admin.display(description=gettext_lazy("Filled"))
    def filled_text(self, row: Order) -> str:
        """As the market counts."""
        return number(lots_shown(row, row.filled))

    def export_filled_text(self, row: Order) -> Any:
        """As the market counts."""
        return lots_shown(row, row.filled)

    @admin.display(description=gettext_lazy("Turnover"))
    def turnover_text(self, row: Order) -> str:
        """Money of the quote currency."""
        return money(self.export_turnover_text(row))

    def export_turnover_text(self, row: Order) -> Any:
        """Money of the quote currency."""
        spec = spec_shown(row.instrument)
        return money_of(spec.currency, row.turnover) if spec is not None else None

    @admin.display(description=gettext_lazy("Status"), ordering="status")
    def status_shown(self, row: Order) -> str:
        """A badge."""
        return badge(row.get_status_display(), _STATUS_KINDS[row.status])

    @admin.display(description=gettext_lazy("Ended because"))
    def why(self, row: Order) -> str:
        """The code in words."""
        return code_text(row.code) or "–"

    @admin.display(description=gettext_lazy("Client order id"))
    def client_id(self, row: Order) -> str:
        """The client's own."""
        return client_id_wire(row.client_order_id) or "–"

    @admin.display(description=gettext_lazy("Trades"))
    def trades_link(self, row: Order) -> str:
        """The list of its trades."""
        if not row.trades:
            return "–"
        url = reverse("admin:trading_trade_changelist")
        return format_html('<a href="{}?q={}">{}</a>', url, row.order_id, row.trades)


@admin.register(Trade)
class TradeAdmin(HistoryAdmin):
    """Each side of each trade."""

    list_title = gettext_lazy("Trades")
    search_hint = gettext_lazy("Trade, order, account, instrument")
    list_display = (
        "trade_id", "at_shown", "account", "order_shown", "contract", "side_and_offset", "price_text",
        "volume_text", "fee_text", "profit_text", "taker_shown",
    )  # fmt: skip
    export_columns = (
        "trade_id", "trading_day", "at_shown", "account", "order_id", "contract", "side", "offset", "is_taker",
        "price_text", "volume_text", "notional_text", "fee_text", "profit_text", "seq",
    )  # fmt: skip
    list_filter = (DayFilter, "side", "offset", "is_taker")
    search_fields = ("=trade_id", "=order_id", "=account_id", "instrument")
    ordering = ("-row_id",)
    fields = (
        "trade_id", "account", "order_shown", "contract", "side_and_offset", "taker_shown", "price_text",
        "volume_text", "notional_text", "fee_text", "profit_text", "at_shown", "trading_day", "seq",
    )  # fmt: skip

    @admin.display(description=gettext_lazy("Time"), ordering="row_id")
    def at_shown(self, row: Trade) -> Any:
        """UTC."""
        return moment_text(row.at)

    def export_at_shown(self, row: Trade) -> Any:
        """UTC."""
        return row.at

    @admin.display(description=gettext_lazy("Order"))
    def order_shown(self, row: Trade) -> str:
        """A link."""
        url = reverse("admin:trading_order_change", args=[row.order_id])
        return format_html('<a href="{}">{}</a>', url, row.order_id)

    @admin.display(description=gettext_lazy("Taker"), boolean=True)
    def taker_shown(self, row: Trade) -> bool:
        """Whether this side took."""
        return row.is_taker

    @admin.display(description=gettext_lazy("Value"))
    def notional_text(self, row: Trade) -> str:
        """Money of the quote currency."""
        return money(self.export_notional_text(row))

    def export_notional_text(self, row: Trade) -> Any:
        """Money of the quote currency."""
        return self._money(row, row.notional)

    @admin.display(description=gettext_lazy("Fee"))
    def fee_text(self, row: Trade) -> str:
        """A spot buyer pays it in the base asset."""
        spec, fee = spec_shown(row.instrument), self.export_fee_text(row)
        in_base = spec is not None and spec.kind == terms.SPOT
        return number(fee) if in_base else money(fee)

    def export_fee_text(self, row: Trade) -> Any:
        """A spot buyer pays it in the base asset."""
        spec = spec_shown(row.instrument)
        if spec is not None and spec.kind == terms.SPOT and row.side == terms.BUY:
            return money_of(spec.base, row.fee)
        return self._money(row, row.fee)

    @admin.display(description=gettext_lazy("Close profit"))
    def profit_text(self, row: Trade) -> str:
        """Money of the quote currency."""
        return money(self.export_profit_text(row)) if row.close_profit else number(None)

    def export_profit_text(self, row: Trade) -> Any:
        """Money of the quote currency."""
        return self._money(row, row.close_profit)

    def _money(self, row: Trade, units: int) -> Any:
        spec = spec_shown(row.instrument)
        return money_of(spec.currency, units) if spec is not None else None


@admin.register(Position)
class PositionAdmin(PlainListAdmin):
    """Positions as far as history reaches; an account's page has them live."""

    right_view = Right.ACCOUNTS_READ
    list_title = gettext_lazy("Positions")
    search_hint = gettext_lazy("Account, instrument")
    list_display = (
        "account", "contract", "long_today_text", "long_history_text", "long_margin_text", "short_today_text",
        "short_history_text", "short_margin_text",
    )  # fmt: skip
    search_fields = ("=account_id", "instrument")
    ordering = ("account_id", "instrument")

    @admin.display(description=gettext_lazy("Account"), ordering="account_id")
    def account(self, row: Position) -> str:
        """A link."""
        return account_link(row.account_id)

    def export_account(self, row: Position) -> int:
        """The number."""
        return row.account_id

    @admin.display(description=gettext_lazy("Instrument"), ordering="instrument")
    def contract(self, row: Position) -> str:
        """A link."""
        return instrument_link(row.instrument)

    def export_contract(self, row: Position) -> str:
        """The id."""
        return row.instrument

    @admin.display(description=gettext_lazy("Long, today"), ordering="long_today")
    def long_today_text(self, row: Position) -> str:
        """Lots."""
        return number(row.long_today)

    def export_long_today_text(self, row: Position) -> int:
        """Lots."""
        return row.long_today

    @admin.display(description=gettext_lazy("Long, history"), ordering="long_history")
    def long_history_text(self, row: Position) -> str:
        """Lots."""
        return number(row.long_history)

    def export_long_history_text(self, row: Position) -> int:
        """Lots."""
        return row.long_history

    @admin.display(description=gettext_lazy("Long margin"), ordering="long_margin")
    def long_margin_text(self, row: Position) -> str:
        """CNY."""
        return money(money_of("CNY", row.long_margin))

    def export_long_margin_text(self, row: Position) -> Any:
        """CNY."""
        return money_of("CNY", row.long_margin)

    @admin.display(description=gettext_lazy("Short, today"), ordering="short_today")
    def short_today_text(self, row: Position) -> str:
        """Lots."""
        return number(row.short_today)

    def export_short_today_text(self, row: Position) -> int:
        """Lots."""
        return row.short_today

    @admin.display(description=gettext_lazy("Short, history"), ordering="short_history")
    def short_history_text(self, row: Position) -> str:
        """Lots."""
        return number(row.short_history)

    def export_short_history_text(self, row: Position) -> int:
        """Lots."""
        return row.short_history

    @admin.display(description=gettext_lazy("Short margin"), ordering="short_margin")
    def short_margin_text(self, row: Position) -> str:
        """CNY."""
        return money(money_of("CNY", row.short_margin))

    def export_short_margin_text(self, row: Position) -> Any:
        """CNY."""
        return money_of("CNY", row.short_margin)


# ---- the account's page ------------------------------------------------------------------------------


def account_details(private: LivePrivate) -> dict[str, Any]:
    """Positions and open orders of an account, live."""
    views = {view.spec.instrument: view for view in live().instruments().value}
    held = positions_wire(private.account, views)
    names = [position.instrument for position in private.account.positions]
    return {
        "positions": [row for name, wire in zip(names, held, strict=True) for row in _sides(name, wire)],
        "orders": [_order(order) for order in private.orders if order.status == terms.LIVE],
    }


def _sides(instrument: str, wire: dict[str, Any]) -> list[dict[str, Any]]:
    """A row a side that is held."""
    return [
        {
            "instrument": instrument_link(instrument),
            "side": format_html('<span class="side-{}">{}</span>', kind, words),
            "today": number(wire[f"volume_{side}_today"]),
            "history": number(wire[f"volume_{side}_his"]),
            "frozen": number(wire[f"volume_{side}_frozen"]),
            "price": number(wire[f"open_price_{side}"]),
            "profit": money(wire[f"position_profit_{side}"]),
            "margin": money(wire[f"margin_{side}"]),
        }
        for side, kind, words in (("long", "up", _("long")), ("short", "down", _("short")))
        if wire[f"volume_{side}"]
    ]


def _order(order: OrderView) -> dict[str, Any]:
    spec = spec_shown(order.instrument)
    row = Order(instrument=order.instrument, side=order.side, offset=order.offset)
    return {
        "id": order.order_id,
        "instrument": instrument_link(order.instrument),
        "side": side_shown(row),
        "price": number(price_of(spec, order.price) if spec is not None else order.price),
        "volume": number(volume_of(spec, order.volume) if spec is not None else order.volume),
        "left": number(volume_of(spec, order.left) if spec is not None else order.left),
        "accepted": moment_text(time_of(order.accepted_at)),
    }


DETAILS.append(account_details)
