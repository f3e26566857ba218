"""Seeded random command streams: mostly sound orders near the market, and every kind of nonsense in between.
Called by the tests of tests/core/engine; looks at the slow model to know what rests and what is held."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from engine.core import commands as c
from engine.core import terms
from engine.core.commands import Command
from tests.model.market import OPERATE, OWNERS, TRADER
from tests.model.matching import closing_order
from tests.model.state import Account, Instrument, Order
from tests.model.venue import Venue

MINUTE_NS = 60_000_000_000
START_NS = 1_763_690_400_000_000_000
HUGE = (2**31 - 1, 2**31, 2**62, 2**63 - 1)


class Generator:
    """A stream of commands for one venue; the same seed and venue give the same stream."""

    def __init__(self, venue: Venue, seed: int) -> None:
        self.venue = venue
        self.seed = seed
        self.random = Random(seed)
        self.number = 0
        self.time = START_NS
        self.sent: list[c.OrderSubmit] = []
        self.fair: dict[str, int] = {}

    def commands(self, count: int) -> Iterator[tuple[int, Command | None]]:
        """About `count` commands with their times."""
        made = 0
        while made < count:
            if self.random.random() < 0.1:
                self.time += self.random.randrange(0, 40 * MINUTE_NS)
            for command in self.next():
                made += 1
                yield self.time, command

    def next(self) -> Iterator[Command | None]:
        """One command, or the chain of one day's end."""
        dice = self.random.random()
        if self.random.random() < 0.1 and (lift := self.lifted()) is not None:
            yield lift
        elif dice < 0.64:
            yield self.order()
        elif dice < 0.88:
            yield self.cancel()
        elif dice < 0.90:
            yield self.repeat()
        elif dice < 0.92:
            yield self.query()
        elif dice < 0.95:
            yield self.cash()
        elif dice < 0.985:
            yield self.nonsense()
        elif dice < 0.995:
            yield self.operator()
        elif dice < 0.997:
            yield None
        else:
            yield from self.day_end()

    # Orders

    def account(self) -> Account:
        return self.venue.accounts[self.random.choice(list(OWNERS))]

    def instrument(self) -> Instrument:
        """Mostly one of the three this stream favours, so that books have depth."""
        names = list(self.venue.instruments)
        favoured = [names[(self.seed + n * 3) % len(names)] for n in range(3)]
        return self.venue.instruments[self.random.choice(favoured if self.random.random() < 0.85 else names)]

    def client_order_id(self) -> str:
        self.number += 1
        return f"c{self.number}"

    def price(self, instrument: Instrument, side: int) -> int:
        """Often at the best opposite price, else near a mid that walks; sometimes at or beyond the limits."""
        fair = self.fair_walk(instrument)
        dice = self.random.random()
        if dice < 0.02:
            edges = [instrument.upper, instrument.upper + 1, instrument.lower, instrument.lower - 1, 1]
            return self.random.choice(edges)
        best = instrument.best(-side)
        if best is not None and dice < 0.55:
            return instrument.ticks(best) + side * self.random.choice([0, 0, 1, 3])
        return max(1, fair + self.random.randint(-6, 6) * max(1, fair // 2_000))

    def fair_walk(self, instrument: Instrument) -> int:
        fair = self.fair.get(instrument.id, instrument.spec.listing_price)
        step = max(1, fair // 2_000)
        fair = max(2, fair + self.random.randint(-step, step))
        if instrument.upper:
            fair = min(max(fair, instrument.lower), instrument.upper)
        self.fair[instrument.id] = fair
        return fair

    def order(self) -> Command:
        account, instrument = self.account(), self.instrument()
        side = self.random.choice([terms.BUY, terms.SELL])
        offset = terms.OPEN
        volume = self.volume(instrument)
        if not instrument.is_spot:
            side, offset = self.offset(account, instrument, side)
            if offset != terms.OPEN and self.random.random() < 0.9:
                volume = min(volume, self.closable(account, instrument, side, offset) or volume)
        kind, tif, post_only = self.style(instrument)
        if not instrument.book(-side) and self.random.random() < 0.9:
            kind, tif = terms.LIMIT, terms.GTC  # nobody to trade with: rest, mostly
        if offset == terms.CLOSETODAY and tif == terms.GTC:
            tif = terms.DAY
        market = kind == terms.MARKET
        budget = 0
        if market and instrument.is_spot and side == terms.BUY:
            budget, volume = self.random.choice([1, 10**7, 10**9, self.random.randrange(1, 10**9)]), 0
        order = c.OrderSubmit(
            actor=account.owner,
            scope=TRADER,
            account_id=account.account_id,
            instrument=instrument.id,
            side=side,
            offset=offset,
            kind=kind,
            time_in_force=tif,
            price=0 if market else self.price(instrument, side),
            volume=volume,
            client_order_id=self.client_order_id(),
            post_only=post_only,
            budget=budget,
        )
        self.sent.append(order)
        return order

    def offset(self, account: Account, instrument: Instrument, side: int) -> tuple[int, int]:
        """(side, offset): half of the time closes what is held, when something is."""
        held = [
            (lots_side, any(lot.today for lot in lots), any(not lot.today for lot in lots))
            for (name, lots_side), lots in account.lots.items()
            if name == instrument.id and lots
        ]
        if not held or self.random.random() < 0.5:
            return side, terms.OPEN
        lots_side, today, history = self.random.choice(held)
        if instrument.spec.close_rule == terms.CLOSE_EXPLICIT:
            wanted = (
                terms.CLOSETODAY if today and (not history or self.random.random() < 0.5) else terms.CLOSE
            )
            return -lots_side, wanted
        alias = instrument.spec.closetoday_alias and self.random.random() < 0.2
        return -lots_side, terms.CLOSETODAY if alias else terms.CLOSE

    def closable(self, account: Account, instrument: Instrument, side: int, offset: int) -> int:
        """Lots the account could close now."""
        held = closing_order(instrument, offset, account.lots_of(instrument.id, -side))
        frozen = (
            o.left
            for o in account.orders
            if o.body.instrument == instrument.id and o.side == side and o.offset != terms.OPEN
        )
        return max(0, sum(lot.volume for lot in held) - sum(frozen))

    def style(self, instrument: Instrument) -> tuple[int, int, bool]:
        dice = self.random.random()
        if dice < 0.08 and instrument.spec.allow_market:
            return terms.MARKET, self.random.choice([terms.DAY, terms.IOC, terms.IOC, terms.FOK]), False
        if dice < 0.18:
            return terms.LIMIT, terms.IOC, False
        if dice < 0.24:
            return terms.LIMIT, terms.FOK, False
        if dice < 0.30:
            return terms.LIMIT, self.random.choice([terms.DAY, terms.GTC]), True
        return terms.LIMIT, terms.GTC if dice < 0.6 else terms.DAY, False

    def volume(self, instrument: Instrument) -> int:
        if instrument.is_spot:
            return self.random.choice([1, 100, 1_000, self.random.randint(1, 20_000)])
        return self.random.choice([1, 1, 2, 3, 5, self.random.randint(1, 25)])

    # Cancels, repeats, queries

    def live(self) -> list[Order]:
        return [order for account in self.venue.accounts.values() for order in account.orders]

    def cancel(self) -> Command:
        live = self.live()
        if not live:
            return self.order()
        order = self.random.choice(live)
        body = order.body
        if self.random.random() < 0.05:
            return c.OrderCancel(terms.VENUE, OPERATE, body.account_id, order_id=order.order_id)
        if self.random.random() < 0.7:
            return c.OrderCancel(body.actor, TRADER, body.account_id, order_id=order.order_id)
        return c.OrderCancel(body.actor, TRADER, body.account_id, client_order_id=body.client_order_id)

    def past_order(self) -> c.OrderSubmit:
        if not self.sent:
            order = self.order()
            assert isinstance(order, c.OrderSubmit)
            return order
        return self.random.choice(self.sent[-60:] if self.random.random() < 0.8 else self.sent)

    def repeat(self) -> Command:
        order = self.past_order()
        if self.random.random() < 0.4:
            return replace(order, volume=order.volume + 1, budget=0)
        return replace(order)

    def query(self) -> Command:
        order = self.past_order()
        wanted = order.client_order_id
        if self.random.random() < 0.3:
            wanted = f"c{self.number + self.random.randint(1, 20)}"  # claims an id that will come soon
        return c.OrderQuery(order.actor, TRADER, order.account_id, wanted)

    # Money

    def cash(self) -> Command:
        account = self.account()
        self.number += 1
        again = self.random.random() < 0.1
        request_id = f"r{self.random.randrange(1, self.number + 1) if again else self.number}"
        book = self.random.choice([terms.BOOK_FUTURES, terms.BOOK_SPOT])
        currency = "CNY" if book == terms.BOOK_FUTURES else self.random.choice(["USDT", "BTC", "CNY", "SOL"])
        amount = self.random.choice([100, 10_000_0000, 300_000_0000, 10**6, 12_345_600, 7])
        key = account.account_id
        dice = self.random.random()
        if dice < 0.35:
            return c.CashDeposit(0, OPERATE, key, request_id, book, currency, amount)
        if dice < 0.6:
            return c.CashWithdraw(account.owner, TRADER, key, request_id, book, currency, amount)
        if dice < 0.75:
            return self.withdraw_end()
        other = self.random.choice([key, 3, 4, 5])
        to_book = self.random.choice([terms.BOOK_FUTURES, terms.BOOK_SPOT])
        return c.CashTransfer(account.owner, TRADER, key, request_id, other, book, to_book, currency, amount)

    def withdraw_end(self) -> Command:
        known = [(i, r.body.account_id) for i, r in self.venue.requests.items() if i.startswith("r")]
        request_id, account_id = self.random.choice(known) if known else ("none", 1)
        return c.CashWithdrawEnd(0, OPERATE, account_id, request_id, self.random.random() < 0.5)

    # Nonsense and the operator

    def lifted(self) -> Command | None:
        """What lifts a suspension or a freeze, when there is one: most of the market stays open."""
        for instrument in self.venue.instruments.values():
            if instrument.state == terms.SUSPENDED:
                return c.InstrumentStateSet(0, OPERATE, instrument.id, terms.TRADING)
        for account in self.venue.accounts.values():
            if account.freeze:
                return c.AccountFreeze(0, OPERATE, account.account_id, 0)
        return None

    def nonsense(self) -> Command:
        order = replace(self.past_order(), client_order_id=self.client_order_id())
        huge = self.random.choice(HUGE)
        broken: list[Command] = [
            replace(order, account_id=self.random.choice([0, -1, 99, huge])),
            replace(order, account_id=self.random.choice(list(OWNERS))),
            replace(
                order, actor=self.random.choice([0, 101, 999]), scope=self.random.choice([0, 1, 2, 4, 7])
            ),
            replace(order, instrument=self.random.choice(["", "SHFE.none", "cu2512", "CFFEX.IF2512 "])),
            replace(order, side=self.random.choice([0, 2, -2, huge])),
            replace(order, offset=self.random.choice([1, 2, 3, -1])),
            replace(order, kind=self.random.choice([1, 2, -1, huge])),
            replace(order, time_in_force=self.random.choice([1, 4, -1, huge])),
            replace(order, price=self.random.choice([0, -1, huge, 10**6])),
            replace(order, volume=self.random.choice([0, -1, huge, 10**6])),
            replace(order, budget=self.random.choice([1, -1, huge])),
            replace(order, post_only=True),
            replace(order, client_order_id=self.random.choice(["", "x" * 129, "é", "a\n", " ", "~"])),
            c.OrderCancel(order.actor, TRADER, order.account_id, self.random.choice([0, 1, 7, huge]), ""),
            c.OrderCancel(
                101, TRADER, order.account_id, self.random.choice([0, 40, 50]), order.client_order_id
            ),
            c.OrderQuery(order.actor, TRADER, order.account_id, self.random.choice(["", "x" * 129, "\x00"])),
            c.CashDeposit(0, TRADER, 1, "d", 0, "CNY", 100),
            c.CashDeposit(0, OPERATE, 1, "", 0, "CNY", 100),
            c.CashDeposit(0, OPERATE, 1, f"n{self.number}", self.random.choice([0, 1, 2]), "USDX", 100),
            c.CashWithdraw(
                101, TRADER, 1, f"n{self.number}", 0, "CNY", self.random.choice([0, -100, 150, huge])
            ),
            c.DayStep(0, OPERATE, 1, self.random.choice([0, 2, 3, 6, 7]), 0),
            c.DayOpen(0, self.random.choice([OPERATE, TRADER]), self.venue.trading_day + 1),
            c.SettlementPriceSet(0, OPERATE, "CFFEX.IF2512", 0),
            c.VenueSet(0, OPERATE, self.random.choice(["risk_open_max", "none"]), huge),
            c.AccountOpen(self.random.choice([1, 101]), TRADER, self.random.choice([0, 1]), 101, 100),
        ]
        return self.random.choice(broken)

    def operator(self) -> Command:
        instrument, account = self.instrument(), self.account()
        rates = instrument.rates
        if not instrument.is_spot:
            ratio = self.random.choice([8, 10, 12, 20]) * 10_000_000
            changes = {"margin_long_ratio": ratio, "margin_short_ratio": ratio, "limit_volume_max": 30}
            rates = replace(rates, fee_open_ratio=self.random.randrange(10**5), **changes)
        state = terms.TRADING if instrument.state == terms.SUSPENDED else terms.SUSPENDED
        user = self.random.choice([101, 105])
        choices: list[Command] = [
            c.InstrumentStateSet(0, OPERATE, instrument.id, state),
            c.InstrumentStateSet(0, OPERATE, instrument.id, terms.TRADING),
            c.InstrumentStateSet(0, OPERATE, instrument.id, self.random.choice([terms.TRADING, 7])),
            c.InstrumentRatesSet(0, OPERATE, instrument.id, rates),
            c.AccountFreeze(0, OPERATE, account.account_id, self.random.choice([0, 0, 1, 2, 3, 4])),
            c.AccountFreeze(0, OPERATE, account.account_id, 0),
            c.AccountGrant(account.owner, TRADER, account.account_id, user, self.random.choice([0, 2, 6, 8])),
            c.AdvanceTime(),
        ]
        return self.random.choice(choices)

    # The day

    def day_end(self) -> Iterator[Command | None]:
        """Steps 1 to 12; a trader is busy meanwhile, an operator types a price, a step comes out of order."""
        run = self.venue.run_id + 1
        if self.venue.step != terms.STEP_OPEN:
            return
        for step in range(terms.STEP_CLOSED, terms.STEP_CHECKED + 1):
            if self.random.random() < 0.5:
                yield self.random.choice([self.order, self.cancel, self.query, self.nonsense, self.cash])()
            if step == terms.STEP_SETTLED:
                yield c.DayStep(0, OPERATE, run, step, 0)  # refused: no price is confirmed yet
                yield from self.prices()
            yield c.DayStep(0, OPERATE, run, step, 0)
        yield c.DayOpen(0, OPERATE, self.venue.trading_day + self.random.choice([1, 3]))

    def prices(self) -> Iterator[Command]:
        for instrument in list(self.venue.instruments.values()):
            if instrument.is_spot:
                continue
            typed = 0
            if self.random.random() < 0.3:
                ticks = self.random.randint(instrument.lower - 1, instrument.upper + 1)
                typed = int(ticks * instrument.tick * 10_000) + self.random.choice([0, 0, 3])
            yield c.SettlementPriceSet(0, OPERATE, instrument.id, typed)
            yield c.SettlementPriceSet(0, OPERATE, instrument.id, 0)
