"""The market data routes: parse, read live state or history, format.
Called by Django through market/api/urls.py."""

from __future__ import annotations

import time
from typing import Final

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.http.drf import BareJSONRenderer, query_integer
from accounts.http.envelope import ApiError
from engine.core.codes import Code
from engine.core.views import InstrumentView
from engine.live import live
from market import selectors
from market.api import serializers as s
from market.directory import directory
from market.wire import instrument_wire, kline_wire, orderbook_wire, tape_wire, ticker_wire

DEPTH_DEFAULT: Final = 5
DEPTH_MAX: Final = 20
TRADES_DEFAULT: Final = 20
ROWS_MAX: Final = 500
# The period ids of the reference system; 3 (3 s) is not kept here.
PERIODS: Final[dict[str, str]] = {"0": "day", "4": "1m", "5": "5m", "6": "15m", "7": "30m", "8": "60m"}
PERIOD_DEFAULT: Final = "5"


class InstrumentsView(APIView):
    @extend_schema(responses=s.InstrumentOut(many=True))
    def get(self, request: Request) -> Response:
        """Every instrument with its rules in force and its last price."""
        views = live().instruments().value
        directory().take(views)
        return Response([instrument_wire(view) for view in views])


class OrderbookView(APIView):
    @extend_schema(
        responses=s.OrderbookOut, parameters=[OpenApiParameter("depth", int, description=f"1..{DEPTH_MAX}")]
    )
    def get(self, request: Request, instrument_id: str) -> Response:
        """The best levels of both sides, as they are at `seq`."""
        levels = query_integer(request.GET.get("depth"), "depth", default=DEPTH_DEFAULT, limit=DEPTH_MAX)
        view = _view(instrument_id)
        depth = live().depth(view.spec.instrument)
        if depth.value is None:
            raise ApiError(Code.LIVE_REBUILDING, retry_after=1)
        book = orderbook_wire(view, depth.value, levels)
        return Response({**book, "timestamp": time.time_ns(), "epoch": depth.epoch, "seq": depth.seq})


class TickView(APIView):
    @extend_schema(responses=s.TickOut)
    def get(self, request: Request, instrument_id: str) -> Response:
        """The instrument's day and best prices, as they are at `seq`."""
        view = _view(instrument_id)
        depth = live().depth(view.spec.instrument)
        tick = ticker_wire(view, depth.value)
        return Response({**tick, "timestamp": time.time_ns(), "epoch": depth.epoch, "seq": depth.seq})


class TradesView(APIView):
    @extend_schema(
        responses=s.PublicTradeOut(many=True),
        parameters=[
            OpenApiParameter("limit", int),
            OpenApiParameter("before", int, description="a trade_id"),
        ],
    )
    def get(self, request: Request, instrument_id: str) -> Response:
        """The newest public trades, the newest first."""
        limit = query_integer(request.GET.get("limit"), "limit", default=TRADES_DEFAULT, limit=ROWS_MAX)
        before = query_integer(request.GET.get("before"), "before", default=0, limit=2**63 - 1)
        spec = directory().find_sync(instrument_id).spec
        selectors.history_wait(live().head().seq)
        rows = selectors.public_trades(instrument=spec.instrument, limit=limit, before_trade_id=before)
        tape = [
            tape_wire(
                spec,
                trade_id=row.trade_id,
                price=row.price,
                volume=row.volume,
                taker_side=row.taker_side,
                time=row.time,
            )
            for row in rows
        ]
        return Response(tape)


class KlineView(APIView):
    """Bare {code, message, data}, as the reference system answers it; refusals wear the envelope."""

    renderer_classes = (BareJSONRenderer,)

    @extend_schema(
        responses=s.KlineOut,
        extensions={"x-bare": True},
        parameters=[
            OpenApiParameter("period", int, description="0 day · 4 1m · 5 5m · 6 15m · 7 30m · 8 60m"),
            OpenApiParameter("count", int, description=f"1..{ROWS_MAX}"),
        ],
    )
    def get(self, request: Request, instrument_id: str) -> Response:
        """Bars, oldest first; a period without a trade has none, the last one may still grow."""
        period = request.GET.get("period", PERIOD_DEFAULT)
        if period not in PERIODS:
            raise ApiError(Code.FIELD_INVALID, field="period", limit="|".join(PERIODS))
        count = query_integer(request.GET.get("count"), "count", default=ROWS_MAX, limit=ROWS_MAX)
        spec = directory().find_sync(instrument_id).spec
        selectors.history_wait(live().head().seq)
        bars = selectors.bars_list(instrument=spec.instrument, period=PERIODS[period], limit=count)
        klines = kline_wire(spec, bars, is_day=PERIODS[period] == "day")
        data = {"symbol": spec.instrument, "period": int(period), "klines": klines}
        return Response({"code": 0, "message": "success", "data": data})


def _view(name: str) -> InstrumentView:
    """The instrument as live state has it now."""
    found = live().instrument(directory().find_sync(name).spec.instrument).value
    if found is None:
        raise ApiError(Code.LIVE_REBUILDING, retry_after=1)
    return found
