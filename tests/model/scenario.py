"""A few words in which a trader can read a test: accounts with cash, orders in yuan, then funds and positions.
Called by the tests of tests/core/engine. Every step is held against the slow model as well."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.core import commands as c
from engine.core import terms, views
from engine.core.codes import Code
from engine.core.events import Event, OrderAccepted, OrderEnded, Rejected, Trade
from engine.core.views import OrderView, PositionView
from tests.model.judge import Judge
from tests.model.market import FIRST_DAY, OPERATE, TRADER

HOUSE = (9_001, 9_002)  # two accounts with more money than any example needs
MORNING = 1_763_690_400_000_000_000
Price = str | int
Amount = Decimal | int  # always a Decimal; a test may compare it with a whole number


@dataclass(frozen=True)
class Funds:
    """trading-rules.md §6 in yuan."""

    balance: Amount
    margin: Amount
    available: Amount
    frozen_margin: Amount
    frozen_commission: Amount
    close_profit: Amount
    position_profit: Amount
    float_profit: Amount
    commission: Amount
    pre_balance: Amount
    withdraw_quota: Amount


@dataclass(frozen=True)
class Answer:
    """What one command came to."""

    seq: int
    events: list[Event]

    @property
    def code(self) -> Code:
        """OK, or why it was refused."""
        first = self.events[0]
        return Code(first.code) if isinstance(first, Rejected) else Code.OK

    @property
    def rejected(self) -> Rejected:
        first = self.events[0]
        assert isinstance(first, Rejected), first
        return first

    @property
    def accepted(self) -> OrderAccepted:
        first = self.events[0]
        assert isinstance(first, OrderAccepted), first
        return first

    @property
    def trades(self) -> list[Trade]:
        return [e for e in self.events if isinstance(e, Trade)]

    @property
    def ended(self) -> OrderEnded | None:
        """How the order itself ended, unless it was filled or rests."""
        found = [e for e in self.events if isinstance(e, OrderEnded) and e.order_id == self.seq]
        return found[0] if found else None


class Scenario:
    """A venue with the given instruments on its first trading day."""

    def __init__(self, *specs: c.InstrumentSpec, day: int = FIRST_DAY) -> None:
        self.judge = Judge()
        self.engine = self.judge.engine
        self.time = MORNING
        self.number = 0
        self.send(c.DayOpen(0, OPERATE, day))
        self.send(c.VenueSet(0, OPERATE, "init_cash_max", 10**16))
        for spec in specs:
            assert self.send(c.InstrumentList(0, OPERATE, spec)).code == Code.OK, spec.instrument
        for account_id in HOUSE:
            self.account(account_id, "100000000000")

    def send(self, command: c.Command | None) -> Answer:
        """Apply one command to the engine and the model; both must agree in events and in every view."""
        events = self.judge.apply(command, self.time)
        self.judge.views_compare()
        self.judge.invariants_check()
        return Answer(self.judge.seq, events)

    def send_setting(self, setting: str, value: int) -> None:
        assert self.send(c.VenueSet(0, OPERATE, setting, value)).code == Code.OK

    def later(self, minutes: int) -> None:
        self.time += minutes * 60_000_000_000

    # Given

    def account(self, account_id: int, cash: str = "0", owner: int = 0, **coins: str) -> None:
        """An account with futures cash and spot coins, e.g. account(1, "1000000", USDT="205")."""
        units = int(Decimal(cash) * 10_000)
        answer = self.send(c.AccountOpen(0, OPERATE, account_id, owner or 100 + account_id, units))
        assert answer.code == Code.OK, answer
        for asset, amount in coins.items():
            self.deposit(account_id, amount, asset, terms.BOOK_SPOT)

    def deposit(
        self, account_id: int, amount: str, currency: str = "CNY", book: int = terms.BOOK_FUTURES
    ) -> Answer:
        units = int(Decimal(amount).scaleb(terms.CURRENCY_SCALES[currency]))
        return self.send(c.CashDeposit(0, OPERATE, account_id, self.next_id(), book, currency, units))

    def withdraw(
        self, account_id: int, amount: str, currency: str = "CNY", book: int = terms.BOOK_FUTURES
    ) -> Answer:
        units = int(Decimal(amount).scaleb(terms.CURRENCY_SCALES[currency]))
        owner = self.engine.account_view(account_id).owner
        return self.send(c.CashWithdraw(owner, TRADER, account_id, self.next_id(), book, currency, units))

    def next_id(self) -> str:
        self.number += 1
        return f"id-{self.number}"

    # When

    def order(
        self, account_id: int, side: int, instrument: str, volume: int, price: Price, **other: Any
    ) -> Answer:
        """A LIMIT DAY OPEN order unless `other` says else; `price` in the quote currency."""
        spec = self.engine.instrument_view(instrument).spec
        ticks = Decimal(price) * 10**spec.tick_scale / spec.tick_units
        assert ticks == int(ticks), f"{price} is off the tick"
        view = self.engine.account_view(account_id)
        fields: dict[str, Any] = {
            "actor": view.owner,
            "scope": TRADER,
            "offset": terms.OPEN,
            "kind": terms.LIMIT,
            "time_in_force": terms.DAY,
            "client_order_id": self.next_id(),
        }
        return self.send(
            c.OrderSubmit(
                account_id=account_id,
                instrument=instrument,
                side=side,
                price=int(ticks),
                volume=volume,
                **(fields | other),
            )
        )

    def buy(self, account_id: int, instrument: str, volume: int, price: Price, **other: Any) -> Answer:
        return self.order(account_id, terms.BUY, instrument, volume, price, **other)

    def sell(self, account_id: int, instrument: str, volume: int, price: Price, **other: Any) -> Answer:
        return self.order(account_id, terms.SELL, instrument, volume, price, **other)

    def cancel(self, account_id: int, order_id: int = 0, client_order_id: str = "") -> Answer:
        owner = self.engine.account_view(account_id).owner
        return self.send(c.OrderCancel(owner, TRADER, account_id, order_id, client_order_id))

    def filled(
        self, account_id: int, side: int, instrument: str, volume: int, price: Price, offset: int = terms.OPEN
    ) -> Answer:
        """The house rests on the other side and the account takes all of it, at that price."""
        house = HOUSE[0] if side == terms.SELL else HOUSE[1]
        assert self.order(house, -side, instrument, volume, price).code == Code.OK
        answer = self.order(account_id, side, instrument, volume, price, offset=offset)
        assert sum(t.volume for t in answer.trades) == volume, answer.events
        return answer

    def mark(self, instrument: str, price: Price) -> None:
        """The houses trade one lot at the price: the mark moves there."""
        self.filled(HOUSE[0], terms.BUY, instrument, 1, price)

    def day_end(self, prices: dict[str, str], next_day: int = 0) -> None:
        """Steps 1 to 12 with these settlement prices; instruments not named settle at the computed ones."""
        run = self.engine.run_id + 1
        self.step(terms.STEP_CLOSED, run)
        self.step(terms.STEP_EXPIRED, run)
        for name, instrument in sorted(self.engine.instruments.items()):
            if instrument.is_spot:
                continue
            price = int(Decimal(prices.get(name, "0")) * 10_000)
            assert self.send(c.SettlementPriceSet(0, OPERATE, name, price)).code == Code.OK
        for step in range(terms.STEP_SETTLED, terms.STEP_CHECKED + 1):
            self.step(step, run)
        day = next_day or self.engine.trading_day + 1
        assert self.send(c.DayOpen(0, OPERATE, day)).code == Code.OK

    def step(self, step: int, run: int) -> Answer:
        answer = self.send(c.DayStep(0, OPERATE, run, step, 0))
        assert answer.code == Code.OK, answer
        return answer

    # Then

    def funds(self, account_id: int) -> Funds:
        marks = {name: self.engine.instrument_view(name).mark for name in self.engine.instruments}
        money = views.funds(self.engine.account_view(account_id), marks)
        names = Funds.__dataclass_fields__
        return Funds(**{name: Decimal(getattr(money, name)).scaleb(-4) for name in names})

    def position(self, account_id: int, instrument: str) -> PositionView:
        """The account's position; an empty one when it holds nothing."""
        for position in self.engine.account_view(account_id).positions:
            if position.instrument == instrument:
                return position
        return PositionView(instrument, *[0] * 14)

    def lots(self, account_id: int, instrument: str) -> tuple[int, int, int, int]:
        """(long today, long history, short today, short history)."""
        p = self.position(account_id, instrument)
        return p.long_today, p.long_history, p.short_today, p.short_history

    def order_of(self, order_id: int) -> OrderView:
        return self.engine.order_view(order_id)

    def wallet(self, account_id: int, asset: str) -> tuple[Amount, Amount]:
        """(available, locked)."""
        for wallet in self.engine.account_view(account_id).wallets:
            if wallet.asset == asset:
                scale = -terms.CURRENCY_SCALES[asset]
                return Decimal(wallet.available).scaleb(scale), Decimal(wallet.locked).scaleb(scale)
        return Decimal(0), Decimal(0)

    def price(self, instrument: str, ticks: int) -> Decimal:
        spec = self.engine.instrument_view(instrument).spec
        return Decimal(ticks * spec.tick_units).scaleb(-spec.tick_scale)
