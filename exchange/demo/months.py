"""Which contract month of a product trades most on a date, and when a contract ends.
Called by exchange/demo/catalogue.py."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Final

from market.calendar import trading_day_after, trading_day_on_or_after

FRIDAY: Final = 4

Month = tuple[int, int]  # year, month


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
        day = trading_day_after(day)
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
    """2512, as most exchanges write it; CZCE leaves out the decade: 512."""
    return f"{month[0] % 100:02d}{month[1]:02d}"[-digits:]
