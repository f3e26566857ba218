"""Every refusal names code, field and limit, and leaves the state byte for byte as it was (P19).
Run by pytest in the core tier; needs no service. One row for every code a command of the core can come to."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from engine.core import commands as c
from engine.core import terms
from engine.core.codes import Code
from engine.messages import events_decode, events_encode, wire_encode
from tests.model.market import FIRST_DAY, OPERATE, TRADER, copper, futures_rates, index_future, rebar, solana
from tests.model.scenario import Scenario

RB, IF, CU, SOL = "SHFE.rb2601", "CFFEX.IF2512", "SHFE.cu2512", "SPOT.SOL_USDC"
ORDER = c.OrderSubmit(101, TRADER, 1, RB, terms.BUY, terms.OPEN, terms.LIMIT, terms.DAY, 3_500, 1, "x")
COINS = replace(ORDER, instrument=SOL, price=2_050, volume=100)
BUDGET = replace(COINS, kind=terms.MARKET, time_in_force=terms.IOC, price=0, volume=0, budget=10**6)
DEPOSIT = c.CashDeposit(0, OPERATE, 1, "d", terms.BOOK_FUTURES, "CNY", 100)
WITHDRAW = c.CashWithdraw(101, TRADER, 1, "w", terms.BOOK_FUTURES, "CNY", 100)
TRANSFER = c.CashTransfer(101, TRADER, 1, "t", 1, terms.BOOK_FUTURES, terms.BOOK_SPOT, "CNY", 100)
NOTHING: Callable[[Scenario], object] = lambda venue: None  # noqa: E731


def market() -> Scenario:
    """Account 1 (owner 101) with 100,000 and 1,000 USDC; 3 holds today's lots of cu and rb; limits on sizes."""
    rb = replace(rebar(), rates=futures_rates(position_limit=25, limit_volume_min=1, limit_volume_max=100))
    cu = replace(copper(), rates=replace(copper().rates, limit_volume_min=2))
    venue = Scenario(rb, cu, index_future(), replace(solana(), notional_min=1_000_000))
    venue.account(1, "100000", USDC="1000", SOL="10")
    venue.account(2, "100000")
    venue.account(3, "1000000")
    venue.filled(3, terms.BUY, CU, 2, 70_000)
    venue.filled(3, terms.BUY, RB, 2, 3_500)
    return venue


def setting(name: str, value: int) -> Callable[[Scenario], object]:
    return lambda venue: venue.send(c.VenueSet(0, OPERATE, name, value))


def sent(*commands: c.Command) -> Callable[[Scenario], object]:
    return lambda venue: [venue.send(command) for command in commands]


def steps(last: int) -> Callable[[Scenario], object]:
    """The day up to and with step `last`; prices are confirmed."""

    def run(venue: Scenario) -> None:
        for step in range(terms.STEP_CLOSED, last + 1):
            if step == terms.STEP_SETTLED:
                for name in (RB, CU, IF):
                    venue.send(c.SettlementPriceSet(0, OPERATE, name, 0))
            venue.step(step, 1)

    return run


SPEC = replace(rebar(), instrument="SHFE.rb2605")
LIST = c.InstrumentList(0, OPERATE, SPEC)
P4 = 10_000
Row = tuple[str, Callable[[Scenario], object], c.Command, Code, str, int]
ROWS: list[Row] = [
    ("unknown account", NOTHING, replace(ORDER, account_id=99), Code.ACCOUNT_NOT_FOUND, "account_id", 0),
    ("account again", NOTHING, c.AccountOpen(101, TRADER, 1, 101), Code.ACCOUNT_EXISTS, "account_id", 0),
    (
        "frozen",
        sent(c.AccountFreeze(0, OPERATE, 1, terms.FREEZE_TRADING)),
        ORDER,
        Code.ACCOUNT_FROZEN,
        "account_id",
        0,
    ),
    ("another's account", NOTHING, replace(ORDER, actor=102), Code.NOT_PERMITTED, "account_id", 0),
    (
        "key may only read",
        NOTHING,
        replace(ORDER, scope=terms.SCOPE_READ),
        Code.NOT_PERMITTED,
        "account_id",
        0,
    ),
    ("deposit by a trader", NOTHING, replace(DEPOSIT, scope=TRADER), Code.SCOPE_MISSING, "operate", 0),
    (
        "init cash",
        setting("init_cash_max", 500),
        c.AccountOpen(104, TRADER, 4, 104, 600),
        Code.INIT_CASH_TOO_HIGH,
        "init_cash",
        500,
    ),
    (
        "unknown instrument",
        NOTHING,
        replace(ORDER, instrument="rb2601"),
        Code.INSTRUMENT_NOT_FOUND,
        "instrument_id",
        0,
    ),
    (
        "listed again",
        NOTHING,
        c.InstrumentList(0, OPERATE, rebar()),
        Code.INSTRUMENT_EXISTS,
        "instrument_id",
        0,
    ),
    (
        "suspended",
        sent(c.InstrumentStateSet(0, OPERATE, RB, terms.SUSPENDED)),
        ORDER,
        Code.INSTRUMENT_NOT_TRADING,
        "instrument_id",
        0,
    ),
    ("closed", steps(1), ORDER, Code.INSTRUMENT_PHASE, "instrument_id", 0),
    (
        "half a money unit a tick",
        NOTHING,
        replace(LIST, spec=replace(SPEC, tick_scale=5, multiplier=1)),
        Code.INSTRUMENT_INVALID,
        "tick_scale",
        0,
    ),
    (
        "delisted in use",
        NOTHING,
        c.InstrumentStateSet(0, OPERATE, CU, terms.DELISTED),
        Code.INSTRUMENT_IN_USE,
        "*",
        2,
    ),
    ("no such state", NOTHING, c.InstrumentStateSet(0, OPERATE, RB, 9), Code.INSTRUMENT_STATE, "state", 0),
    (
        "negative margin",
        NOTHING,
        c.InstrumentRatesSet(0, OPERATE, RB, futures_rates(margin_long_ratio=-1)),
        Code.RATES_INVALID,
        "margin_long_ratio",
        0,
    ),
    (
        "other body",
        sent(ORDER),
        replace(ORDER, volume=2),
        Code.CLIENT_ORDER_ID_CONFLICT,
        "client_order_id",
        0,
    ),
    (
        "bad id",
        NOTHING,
        replace(ORDER, client_order_id="é"),
        Code.CLIENT_ORDER_ID_INVALID,
        "client_order_id",
        128,
    ),
    (
        "claimed id",
        sent(c.OrderQuery(101, TRADER, 1, "x")),
        ORDER,
        Code.CLIENT_ORDER_ID_CLAIMED,
        "client_order_id",
        0,
    ),
    (
        "ids used up",
        sent(c.VenueSet(0, OPERATE, "client_ids_max", 1), ORDER),
        replace(ORDER, client_order_id="y"),
        Code.CLIENT_ORDER_IDS_EXHAUSTED,
        "client_order_id",
        1,
    ),
    ("side", NOTHING, replace(ORDER, side=0), Code.SIDE_INVALID, "side", 0),
    ("offset", NOTHING, replace(ORDER, offset=3), Code.OFFSET_NOT_SUPPORTED, "offset", 0),
    (
        "close-today without today",
        NOTHING,
        replace(ORDER, instrument=IF, offset=terms.CLOSETODAY),
        Code.OFFSET_NOT_SUPPORTED,
        "offset",
        0,
    ),
    ("close on spot", NOTHING, replace(COINS, offset=terms.CLOSE), Code.OFFSET_NOT_SUPPORTED, "offset", 0),
    ("order type", NOTHING, replace(ORDER, kind=5), Code.ORDER_TYPE_NOT_SUPPORTED, "order_type", 0),
    (
        "no market orders here",
        NOTHING,
        replace(ORDER, instrument=CU, kind=terms.MARKET, price=0, time_in_force=terms.IOC),
        Code.ORDER_TYPE_NOT_SUPPORTED,
        "order_type",
        0,
    ),
    (
        "post-only that must take",
        NOTHING,
        replace(ORDER, post_only=True, time_in_force=terms.IOC),
        Code.ORDER_TYPE_NOT_SUPPORTED,
        "post_only",
        0,
    ),
    (
        "time in force",
        NOTHING,
        replace(ORDER, time_in_force=9),
        Code.TIME_IN_FORCE_NOT_SUPPORTED,
        "time_in_force",
        0,
    ),
    (
        "close-today till cancelled",
        NOTHING,
        replace(ORDER, offset=terms.CLOSETODAY, time_in_force=terms.GTC),
        Code.TIME_IN_FORCE_NOT_SUPPORTED,
        "time_in_force",
        0,
    ),
    ("price 0", NOTHING, replace(ORDER, price=0), Code.PRICE_INVALID, "price", 2**31 - 1),
    ("price huge", NOTHING, replace(ORDER, price=2**61, volume=4), Code.PRICE_INVALID, "price", 2**31 - 1),
    ("above the limit", NOTHING, replace(ORDER, price=3_851), Code.PRICE_ABOVE_UPPER_LIMIT, "price", 3_850),
    ("below the limit", NOTHING, replace(ORDER, price=3_149), Code.PRICE_BELOW_LOWER_LIMIT, "price", 3_150),
    ("above the band", NOTHING, replace(COINS, price=20_501), Code.PRICE_ABOVE_UPPER_LIMIT, "price", 20_500),
    ("volume 0", NOTHING, replace(ORDER, volume=0), Code.VOLUME_INVALID, "volume", 2**31 - 1),
    ("volume negative", NOTHING, replace(ORDER, volume=-1), Code.VOLUME_INVALID, "volume", 2**31 - 1),
    ("volume huge", NOTHING, replace(ORDER, volume=2**63 - 1), Code.VOLUME_INVALID, "volume", 2**31 - 1),
    ("too many lots", NOTHING, replace(ORDER, volume=101), Code.VOLUME_ABOVE_MAXIMUM, "volume", 100),
    (
        "too few lots",
        NOTHING,
        replace(ORDER, instrument=CU, price=7_000),
        Code.VOLUME_BELOW_MINIMUM,
        "volume",
        2,
    ),
    (
        "post-only would take",
        lambda venue: venue.sell(2, RB, 1, 3_490),
        replace(ORDER, post_only=True),
        Code.POST_ONLY_WOULD_TAKE,
        "price",
        3_490,
    ),
    ("budget 0", NOTHING, replace(BUDGET, budget=0), Code.BUDGET_INVALID, "budget", 2**62),
    ("budget on futures", NOTHING, replace(ORDER, budget=1), Code.BUDGET_INVALID, "budget", 0),
    ("too small", NOTHING, replace(COINS, volume=4), Code.NOTIONAL_BELOW_MINIMUM, "price", 1_000_000),
    (
        "small budget",
        NOTHING,
        replace(BUDGET, budget=999_999),
        Code.NOTIONAL_BELOW_MINIMUM,
        "budget",
        1_000_000,
    ),
    (
        "no money",
        setting("risk_open_max", terms.RATIO_ONE),
        replace(ORDER, instrument=CU, price=7_000, volume=3),
        Code.INSUFFICIENT_FUNDS,
        "volume",
        1_000_000_000,
    ),
    ("no coins", NOTHING, replace(COINS, volume=5_000), Code.INSUFFICIENT_FUNDS, "price", 1_000_000_000),
    (
        "nothing to close",
        NOTHING,
        replace(ORDER, instrument=IF, price=19_000, offset=terms.CLOSE),
        Code.INSUFFICIENT_POSITION,
        "volume",
        0,
    ),
    (
        "more than today's lots",
        NOTHING,
        replace(ORDER, actor=103, account_id=3, side=terms.SELL, offset=terms.CLOSETODAY, volume=3),
        Code.INSUFFICIENT_POSITION_TODAY,
        "volume",
        2,
    ),
    (
        "no history lots",
        NOTHING,
        replace(ORDER, actor=103, account_id=3, side=terms.SELL, offset=terms.CLOSE, volume=2),
        Code.INSUFFICIENT_POSITION_HISTORY,
        "volume",
        0,
    ),
    ("position limit", NOTHING, replace(ORDER, volume=26), Code.POSITION_LIMIT, "volume", 25),
    (
        "risk ratio",
        setting("risk_open_max", 10_000_000),
        replace(ORDER, volume=3),
        Code.RISK_RATIO_TOO_HIGH,
        "account_id",
        10_000_000,
    ),
    (
        "open orders",
        sent(c.VenueSet(0, OPERATE, "open_orders_max", 1), replace(ORDER, price=3_400)),
        replace(ORDER, client_order_id="y"),
        Code.TOO_MANY_OPEN_ORDERS,
        "account_id",
        1,
    ),
    ("cancel nothing", NOTHING, c.OrderCancel(101, TRADER, 1, 5), Code.ORDER_NOT_FOUND, "order_id", 0),
    (
        "cancel another's",
        lambda venue: venue.buy(2, RB, 1, 3_400),
        c.OrderCancel(101, TRADER, 1, client_order_id="id-5"),
        Code.ORDER_NOT_FOUND,
        "client_order_id",
        0,
    ),
    (
        "cancel twice",
        sent(ORDER, c.OrderCancel(101, TRADER, 1, client_order_id="x")),
        c.OrderCancel(101, TRADER, 1, client_order_id="x"),
        Code.ORDER_FINISHED,
        "client_order_id",
        int(Code.CANCELLED_BY_CLIENT),
    ),
    ("amount 0", NOTHING, replace(DEPOSIT, amount=0), Code.AMOUNT_INVALID, "amount", 2**62),
    ("third place of a yuan", NOTHING, replace(DEPOSIT, amount=110), Code.AMOUNT_INVALID, "amount", 100),
    (
        "more than the quota",
        NOTHING,
        replace(WITHDRAW, amount=1_000_000_100),
        Code.WITHDRAW_QUOTA_EXCEEDED,
        "amount",
        1_000_000_000,
    ),
    (
        "transfer out of nothing",
        NOTHING,
        replace(TRANSFER, from_book=terms.BOOK_SPOT, to_book=terms.BOOK_FUTURES),
        Code.WITHDRAW_QUOTA_EXCEEDED,
        "amount",
        0,
    ),
    ("to a stranger", NOTHING, replace(TRANSFER, to_account_id=2), Code.NOT_PERMITTED, "to_account_id", 0),
    (
        "no such request",
        NOTHING,
        c.CashWithdrawEnd(0, OPERATE, 1, "w", True),
        Code.REQUEST_NOT_FOUND,
        "request_id",
        0,
    ),
    ("another amount", sent(DEPOSIT), replace(DEPOSIT, amount=200), Code.REQUEST_CONFLICT, "request_id", 0),
    ("unknown currency", NOTHING, replace(DEPOSIT, currency="USD"), Code.CURRENCY_UNKNOWN, "currency", 0),
    ("no request id", NOTHING, replace(DEPOSIT, request_id=""), Code.REQUEST_ID_INVALID, "request_id", 64),
    (
        "frozen for withdrawals",
        sent(c.AccountFreeze(0, OPERATE, 1, terms.FREEZE_WITHDRAW)),
        WITHDRAW,
        Code.ACCOUNT_FROZEN,
        "account_id",
        0,
    ),
    ("step out of order", NOTHING, c.DayStep(0, OPERATE, 1, 3, 0), Code.DAY_STEP_ORDER, "step", 1),
    ("step twice", steps(1), c.DayStep(0, OPERATE, 1, 1, 0), Code.DAY_STEP_ORDER, "step", 2),
    ("another run", steps(1), c.DayStep(0, OPERATE, 2, 2, 0), Code.DAY_STEP_ORDER, "run_id", 1),
    ("another chunk", steps(1), c.DayStep(0, OPERATE, 1, 2, 7), Code.DAY_CURSOR, "cursor", 0),
    (
        "unconfirmed prices",
        steps(2),
        c.DayStep(0, OPERATE, 1, 3, 0),
        Code.SETTLEMENT_PRICE_MISSING,
        "settlement_price",
        3,
    ),
    (
        "settlement outside the limits",
        steps(1),
        c.SettlementPriceSet(0, OPERATE, RB, 3_850 * P4 + 1),
        Code.SETTLEMENT_PRICE_INVALID,
        "price",
        3_850 * P4,
    ),
    ("cash while settling", steps(1), replace(DEPOSIT), Code.SETTLEMENT_RUNNING, "account_id", 0),
    (
        "rates while settling",
        steps(1),
        c.InstrumentRatesSet(0, OPERATE, RB, futures_rates()),
        Code.SETTLEMENT_RUNNING,
        "instrument_id",
        0,
    ),
    ("listing while settling", steps(1), LIST, Code.SETTLEMENT_RUNNING, "instrument_id", 0),
    (
        "day in the past",
        steps(6),
        c.DayOpen(0, OPERATE, FIRST_DAY),
        Code.TRADING_DAY_INVALID,
        "trading_day",
        FIRST_DAY,
    ),
    ("day too early", NOTHING, c.DayOpen(0, OPERATE, FIRST_DAY + 1), Code.DAY_STEP_ORDER, "step", 1),
    ("no such setting", NOTHING, c.VenueSet(0, OPERATE, "x", 1), Code.SETTING_UNKNOWN, "setting", 0),
    (
        "setting too high",
        NOTHING,
        c.VenueSet(0, OPERATE, "risk_open_max", 2 * 10**9),
        Code.SETTING_INVALID,
        "*",
        10**9,
    ),
    ("voided", NOTHING, None, Code.COMMAND_VOIDED, "", 0),  # type: ignore[list-item]
]
BEYOND_A_TABLE = {
    Code.TOO_MANY_ACCOUNTS,  # a million accounts
    Code.TOO_MANY_INSTRUMENTS,  # ten thousand listings
    Code.LEDGER_UNBALANCED,  # must never be: test_day_roll.py damages the books to see it
    Code.PRICE_OFF_TICK,  # in the core prices are ticks; the border refuses
}


def frozen_state(venue: Scenario) -> bytes:
    """The snapshot without its sequence and time, and without the remembered client order ids."""
    plain = venue.engine.dump()
    plain[1] = plain[1][2:]
    plain[5] = [account[:6] for account in plain[5]]
    return wire_encode(plain)


@pytest.mark.parametrize(
    ("name", "given", "command", "code", "field", "limit"), ROWS, ids=[row[0] for row in ROWS]
)
def test_refused_with_code_field_and_limit_and_nothing_changed(
    name: str, given: Callable[[Scenario], Any], command: c.Command, code: Code, field: str, limit: int
) -> None:
    venue = market()
    given(venue)
    before, orders = frozen_state(venue), dict(venue.engine.orders)
    answer = venue.send(command)
    assert len(answer.events) == 1
    refusal = answer.rejected
    assert answer.code == code
    assert refusal.field == field or field == "*"
    assert refusal.limit == limit
    assert frozen_state(venue) == before
    assert venue.engine.orders == orders
    assert events_decode(events_encode(answer.events)) == answer.events


def test_every_code_of_the_core_has_a_row() -> None:
    of_the_core = {code for code in Code if 1_000 < code < 1_700}
    assert of_the_core - {row[3] for row in ROWS} == BEYOND_A_TABLE


def test_an_order_that_breaks_everything_is_refused_in_the_order_of_the_rules() -> None:
    """Mend one fault after the other: the next check in the order of §2 speaks."""
    venue = market()
    venue.send(c.AccountFreeze(0, OPERATE, 1, terms.FREEZE_TRADING))
    venue.send(c.InstrumentStateSet(0, OPERATE, RB, terms.SUSPENDED))
    order = replace(
        ORDER, actor=102, client_order_id="\n", kind=9, time_in_force=9, offset=9, side=9, price=0, volume=0
    )
    seen = []

    def next_code(**changes: Any) -> None:
        nonlocal order
        order = replace(order, **changes)
        seen.append(venue.send(order).code)

    next_code()
    next_code(actor=101)
    next_code(client_order_id="a")
    venue.send(c.AccountFreeze(0, OPERATE, 1, 0))
    next_code(client_order_id="b")
    venue.send(c.InstrumentStateSet(0, OPERATE, RB, terms.TRADING))
    next_code(client_order_id="c")
    next_code(client_order_id="d", kind=terms.LIMIT)
    next_code(client_order_id="e", time_in_force=terms.DAY)
    next_code(client_order_id="f", offset=terms.OPEN)
    next_code(client_order_id="g", side=terms.BUY)
    next_code(client_order_id="h", price=3_500)
    next_code(client_order_id="i", volume=99)
    next_code(client_order_id="j", volume=25)
    assert seen == [
        Code.NOT_PERMITTED,
        Code.CLIENT_ORDER_ID_INVALID,
        Code.ACCOUNT_FROZEN,
        Code.INSTRUMENT_NOT_TRADING,
        Code.ORDER_TYPE_NOT_SUPPORTED,
        Code.TIME_IN_FORCE_NOT_SUPPORTED,
        Code.OFFSET_NOT_SUPPORTED,
        Code.SIDE_INVALID,
        Code.PRICE_INVALID,
        Code.VOLUME_INVALID,
        Code.POSITION_LIMIT,
        Code.OK,
    ]
