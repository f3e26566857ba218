"""What the order, position and trade routes answer, field by field.
Named by trading/api/views.py and the OpenAPI schema; the answers themselves are made by trading/wire.py."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers as s

from accounts.http.drf import ExactDecimalField, ExactIntegerField

Out = s.Serializer[Any]


class OrderOut(Out):
    order_id = s.CharField()
    user_id = s.CharField()
    account_id = s.CharField()
    exchange_id = s.CharField()
    instrument_id = s.CharField()
    direction = s.CharField(help_text="BUY · SELL")
    offset = s.CharField(help_text="OPEN · CLOSE · CLOSETODAY")
    order_type = s.CharField(help_text="LIMIT · MARKET")
    time_in_force = s.CharField(help_text="DAY · GTC · IOC · FOK")
    post_only = s.BooleanField()
    price = ExactDecimalField()
    volume = ExactDecimalField()
    filled_volume = ExactDecimalField(help_text="cumulative", allow_null=True)
    volume_left = ExactDecimalField(allow_null=True)
    budget = ExactDecimalField(allow_null=True)
    client_order_id = s.CharField(allow_null=True)
    status = s.CharField(help_text="submitted · partially_filled · filled · cancelled · expired")
    code = s.IntegerField(allow_null=True, help_text="why it ended")
    message = s.CharField(allow_null=True)
    message_zh = s.CharField(allow_null=True)
    submit_time = s.IntegerField(help_text="ns UTC")
    update_time = s.IntegerField(allow_null=True, help_text="ns UTC; null until history knows it")


class OrdersOut(Out):
    orders = OrderOut(many=True)
    total = s.IntegerField(help_text="rows in this answer")
    as_of_seq = s.IntegerField()
    next = s.CharField(allow_null=True, help_text="`before` of the next page")


class TradeOut(Out):
    trade_id = s.CharField()
    account_id = s.CharField()
    order_id = s.CharField()
    exchange_id = s.CharField()
    instrument_id = s.CharField()
    direction = s.CharField()
    user_direction = s.CharField()
    user_order_id = s.CharField()
    opposite_order_id = s.CharField()
    offset = s.CharField()
    is_taker = s.BooleanField()
    price = ExactDecimalField()
    volume = ExactDecimalField()
    fee = ExactDecimalField()
    fee_currency = s.CharField()
    close_profit = ExactDecimalField()
    timestamp = s.IntegerField(help_text="ns UTC")
    trading_day = s.CharField()


class TradesOut(Out):
    trades = TradeOut(many=True)
    total = s.IntegerField(help_text="rows in this answer")
    as_of_seq = s.IntegerField()
    next = s.CharField(allow_null=True, help_text="`before` of the next page")


class PositionOut(Out):
    account_id = s.CharField()
    exchange_id = s.CharField()
    instrument_id = s.CharField()
    volume_long = ExactIntegerField()
    volume_long_today = ExactIntegerField()
    volume_long_his = ExactIntegerField()
    volume_long_frozen = ExactIntegerField()
    volume_long_frozen_today = ExactIntegerField()
    volume_long_frozen_his = ExactIntegerField()
    volume_short = ExactIntegerField()
    volume_short_today = ExactIntegerField()
    volume_short_his = ExactIntegerField()
    volume_short_frozen = ExactIntegerField()
    volume_short_frozen_today = ExactIntegerField()
    volume_short_frozen_his = ExactIntegerField()
    cost_long = ExactDecimalField(help_text="open cost, money")
    cost_short = ExactDecimalField(help_text="open cost, money")
    open_price_long = ExactDecimalField(allow_null=True)
    open_price_short = ExactDecimalField(allow_null=True)
    position_price_long = ExactDecimalField(allow_null=True)
    position_price_short = ExactDecimalField(allow_null=True)
    profit_long = ExactDecimalField(help_text="float profit, from the open price")
    profit_short = ExactDecimalField(help_text="float profit, from the open price")
    position_profit_long = ExactDecimalField()
    position_profit_short = ExactDecimalField()
    margin_long = ExactDecimalField()
    margin_short = ExactDecimalField()
    seq = s.IntegerField()
