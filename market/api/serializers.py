"""What the market data routes answer, field by field.
Named by market/api/views.py and the OpenAPI schema; the answers themselves are made by market/wire.py."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers as s

from accounts.http.drf import ExactDecimalField

Out = s.Serializer[Any]


class InstrumentOut(Out):
    instrument_id = s.CharField()
    exchange_id = s.CharField()
    name = s.CharField()
    product_id = s.CharField()
    instrument_type = s.CharField(help_text="future · spot")
    currency = s.CharField()
    base = s.CharField(allow_null=True)
    multiplier = s.IntegerField()
    tick_size = ExactDecimalField()
    lot_size = ExactDecimalField()
    limit_volume_min = ExactDecimalField()
    limit_volume_max = ExactDecimalField()
    market_volume_max = ExactDecimalField()
    margin_long_ratio = ExactDecimalField()
    margin_short_ratio = ExactDecimalField()
    last_price = ExactDecimalField(allow_null=True)
    upper_limit = ExactDecimalField(allow_null=True)
    lower_limit = ExactDecimalField(allow_null=True)
    pre_settlement = ExactDecimalField(allow_null=True)
    status = s.CharField(help_text="trading · suspended · delisted")
    phase = s.CharField(help_text="CONTINUOUS · BREAK · CLOSED")
    trading_day = s.CharField()
    last_trading_day = s.CharField(allow_null=True)


class LevelOut(Out):
    price = ExactDecimalField()
    volume = ExactDecimalField()
    order_count = s.IntegerField()


class OrderbookOut(Out):
    instrument_id = s.CharField()
    exchange_id = s.CharField()
    timestamp = s.IntegerField(help_text="ns UTC, of this answer")
    bids = LevelOut(many=True)
    asks = LevelOut(many=True)
    last_price = ExactDecimalField(allow_null=True)
    epoch = s.IntegerField()
    seq = s.IntegerField()


class TickOut(Out):
    instrument_id = s.CharField()
    exchange_id = s.CharField()
    timestamp = s.IntegerField(help_text="ns UTC, of this answer")
    last_price = ExactDecimalField(allow_null=True)
    bid_price = ExactDecimalField(allow_null=True)
    bid_volume = ExactDecimalField(allow_null=True)
    ask_price = ExactDecimalField(allow_null=True)
    ask_volume = ExactDecimalField(allow_null=True)
    volume = ExactDecimalField()
    turnover = ExactDecimalField()
    open_interest = s.IntegerField()
    open = ExactDecimalField(allow_null=True)
    high = ExactDecimalField(allow_null=True)
    low = ExactDecimalField(allow_null=True)
    pre_close = ExactDecimalField(allow_null=True)
    pre_settlement = ExactDecimalField(allow_null=True)
    upper_limit = ExactDecimalField(allow_null=True)
    lower_limit = ExactDecimalField(allow_null=True)
    status = s.CharField()
    phase = s.CharField()
    trading_day = s.CharField()
    epoch = s.IntegerField()
    seq = s.IntegerField()


class PublicTradeOut(Out):
    trade_id = s.CharField()
    instrument_id = s.CharField()
    exchange_id = s.CharField()
    price = ExactDecimalField()
    volume = ExactDecimalField()
    timestamp = s.IntegerField(help_text="ns UTC")
    direction = s.CharField(help_text="the side that took: BUY · SELL")


class KlineBarOut(Out):
    datetime = s.IntegerField(help_text="begin, ms UTC")
    open = ExactDecimalField()
    high = ExactDecimalField()
    low = ExactDecimalField()
    close = ExactDecimalField()
    volume = ExactDecimalField()
    amount = ExactDecimalField(help_text="turnover, with the multiplier")
    open_oi = s.IntegerField()
    close_oi = s.IntegerField()


class KlineDataOut(Out):
    symbol = s.CharField()
    period = s.IntegerField()
    klines = KlineBarOut(many=True)


class KlineOut(Out):
    code = s.IntegerField(help_text="0, or the refusal's code")
    message = s.CharField()
    data = KlineDataOut()  # type: ignore[assignment]  # the name is the wire's
