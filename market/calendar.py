"""Dates of the market: trading days and the exchanges' clock. Until calendars are rows, weekends are the only holidays.
Called by settlement/day.py for the next trading day and by exchange/demo for contract months."""

from datetime import date, datetime, time, timedelta, timezone
from typing import Final

# China has no summer time, so no table of time zones is needed for it.
EXCHANGE_TIME: Final = timezone(timedelta(hours=8))
SATURDAY: Final = 5


def exchange_date(now: datetime) -> date:
    """The date on the exchanges' clock; `now` is aware."""
    return now.astimezone(EXCHANGE_TIME).date()


def is_trading_day(day: date) -> bool:
    """True from Monday to Friday."""
    return day.weekday() < SATURDAY


def trading_day_on_or_after(day: date) -> date:
    """The day itself, or the Monday that follows a weekend."""
    while not is_trading_day(day):
        day += timedelta(days=1)
    return day


def trading_day_after(day: date) -> date:
    """The next trading day."""
    return trading_day_on_or_after(day + timedelta(days=1))


def trading_days_before(day: date, count: int) -> date:
    """The trading day `count` trading days before `day`."""
    while count:
        day -= timedelta(days=1)
        count -= is_trading_day(day)
    return day


def yyyymmdd(day: date) -> int:
    """The date as the core writes it."""
    return day.year * 10_000 + day.month * 100 + day.day


def date_of(trading_day: int) -> date:
    """The reverse of yyyymmdd; ValueError for a number that is no date."""
    return date(trading_day // 10_000, trading_day // 100 % 100, trading_day % 100)


def midnight_ms(day: date) -> int:
    """When the date begins on the exchanges' clock, in ms since the epoch."""
    return int(datetime.combine(day, time(), EXCHANGE_TIME).timestamp()) * 1_000
