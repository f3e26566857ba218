"""`manage.py day roll | prices | status`: end the trading day and open the next.
Called by an operator; everything goes through the door to the running venue."""

from __future__ import annotations

from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from accounts.http.envelope import ApiError
from engine.border import NumberRefused, decimal_parse
from engine.door import DoorError
from engine.live import LiveRebuilding
from settlement.day import day_roll, next_day, settlement_price_set
from settlement.day_selectors import SettlementQuote, day_state, settlement_quotes, settlement_runs
from settlement.models import SettlementRun


class Command(BaseCommand):
    """The end of the day, by hand."""

    help = (
        "End the trading day and open the next, step by step: close, expire orders, settlement prices, mark to "
        "market, new rates, check. A run that was interrupted goes on when `roll` is called again. The next "
        "trading day is the next weekday: this venue trades 24x7 and knows no holidays yet; --date names another."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        roll = actions.add_parser(
            "roll", help="settle the day and open the next; stops for prices to confirm"
        )
        roll.add_argument("--date", type=int, help="the trading day to open, YYYYMMDD")
        roll.add_argument("--confirm", action="store_true", help="confirm the proposed settlement prices")
        prices = actions.add_parser("prices", help="show settlement prices, or type them in")
        prices.add_argument(
            "--set", action="append", default=[], metavar="ID=PRICE", help="CFFEX.IF2512=3805.0, repeatable"
        )
        actions.add_parser("status", help="the trading day, its step, the last runs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exits non-zero, saying why, when the venue refuses or does not answer."""
        try:
            getattr(self, f"_{options['action']}")(options)
        except (ApiError, DoorError, LiveRebuilding, DatabaseError) as error:
            raise CommandError(str(error).strip()) from error

    def _roll(self, options: dict[str, Any]) -> None:
        run = day_roll(confirm=options["confirm"], next_trading_day=options["date"])
        if run.state == SettlementRun.State.WAITING:
            self._prices_show()
            self.stdout.write(
                f"\n{run.trading_day} is closed and waits for these prices: `day prices --set ID=PRICE` types one,"
                " `day roll --confirm` confirms the rest and goes on."
            )
            return
        self.stdout.write(f"{run.trading_day} is settled; trading day {run.next_trading_day} is open.")

    def _prices(self, options: dict[str, Any]) -> None:
        for instrument, price in [_typed(text) for text in options["set"]]:
            settlement_price_set(instrument=instrument, price=price)
            self.stdout.write(f"{instrument}: {price} confirmed")
        if not options["set"]:
            self._prices_show()

    def _prices_show(self) -> None:
        row = "{:<16} {:>14} {:>14} {:>12} {:>12}  {}".format
        self.stdout.write(row("instrument", "settlement", "previous", "lower", "upper", ""))
        for quote in settlement_quotes():
            numbers = (quote.price, quote.pre_settlement, quote.lower, quote.upper)
            self.stdout.write(row(quote.instrument, *map(_shown, numbers), _remark(quote)))

    def _status(self, options: dict[str, Any]) -> None:
        day = day_state()
        if not day.trading_day:
            self.stdout.write("no trading day was ever opened")
            return
        self.stdout.write(
            f"trading day {day.trading_day}, step {SettlementRun.Step(day.step).label.lower()};"
            f" next {next_day(day.trading_day)}"
        )
        for run in settlement_runs():
            ended = f", {run.finished_at:%Y-%m-%d %H:%M:%S} UTC" if run.finished_at else f" {run.refusal}"
            self.stdout.write(f"  {run}{ended}")


def _typed(text: str) -> tuple[str, Decimal]:
    """ID=PRICE taken apart; CommandError."""
    instrument, _, price = text.partition("=")
    try:
        return instrument, decimal_parse(price, "price")
    except NumberRefused as error:
        raise CommandError(f"{text}: the price is {error.reason}; write CFFEX.IF2512=3805.0") from None


def _shown(price: Decimal | None) -> str:
    """Without the zeros at the end: 3805, not 3805.0000."""
    return "-" if price is None else f"{price.normalize():f}"


def _remark(quote: SettlementQuote) -> str:
    """What the operator should know of a price before confirming it."""
    if quote.price is None:
        return "the day is open"
    traded = "" if quote.traded else "no trade today: the previous price, "
    return traded + ("confirmed" if quote.confirmed else "proposed")
