"""Which contract months are traded on a date, and each contract's last trading day. Weekends are the only holidays.
Called by exchange/demo/catalogue.py and seed.py; the exchanges' public holidays belong to a calendar of their own."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Final

# The exchanges' clock. China has no summer time, so no table of time zones is needed for it.
EXCHANGE_TIME: Final = timezone(timedelta(hours=8))
SATURDAY: Final = 5
FRIDAY: Final = 4

Month = tuple[int, int]  # year, month


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


def trading_days_before(day: date, count: int) -> date:
    """The trading day `count` trading days before `day`."""
    while count:
        day -= timedelta(days=1)
        count -= is_trading_day(day)
    return day


def yyyymmdd(day: date) -> int:
    """The date as the core writes it."""
    return day.year * 10_000 + day.month * 100 + day.day


def months_after(month: Month, count: int) -> Month:
    """`count` months later."""
    years, zero_based = divmod(month[1] - 1 + count, 12)
    return month[0] + years, zero_based + 1


def third_friday(month: Month) -> date:
    """CFFEX index futures end on the third Friday of their month."""
    first = date(*month, 1)
    return first + timedelta(days=(FRIDAY - first.weekday()) % 7 + 14)


def fifteenth(month: Month) -> date:
    """SHFE contracts end on the 15th of their month, or the next trading day."""
    return trading_day_on_or_after(date(*month, 15))


def tenth_trading_day(month: Month) -> date:
    """DCE and CZCE contracts end on the tenth trading day of their month."""
    day = trading_day_on_or_after(date(*month, 1))
    for _ in range(9):
        day = trading_day_on_or_after(day + timedelta(days=1))
    return day


def front_month(today: date, last_day: Callable[[Month], date] = third_friday) -> Month:
    """The nearest month whose last trading day is still to come: where index futures trade most."""
    month = (today.year, today.month)
    return month if today < last_day(month) else months_after(month, 1)


def next_month(today: date) -> Month:
    """The month after this one: where copper trades most."""
    return months_after((today.year, today.month), 1)


def main_month(today: date, cycle: Sequence[int]) -> Month:
    """The first month of the product's cycle at least two months ahead: rb in November trades most in January."""
    month = months_after((today.year, today.month), 2)
    while month[1] not in cycle:
        month = months_after(month, 1)
    return month


def month_digits(month: Month, digits: int = 4) -> str:
    """2512, as all exchanges write it; CZCE leaves out the decade: 512."""
    return f"{month[0] % 100:02d}{month[1]:02d}"[-digits:]
