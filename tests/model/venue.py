"""The slow model's whole state, and how it refuses.
Held by tests/model/model.py and handed to the functions that carry out each command."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NoReturn

from engine.core import terms
from engine.core.codes import Code
from engine.core.events import Event
from tests.model.money import Money, locked, money_of
from tests.model.numbers import ZERO, units
from tests.model.state import Account, Instrument, Order, Request


class Refusal(Exception):
    """A command refused; nothing has been changed when it is raised."""

    def __init__(
        self,
        code: Code,
        field: str = "",
        limit: int = 0,
        value: int = 0,
        unit: int = terms.UNIT_NONE,
        instrument: str = "",
    ) -> None:
        super().__init__(code.name)
        self.code, self.field, self.limit, self.value = code, field, limit, value
        self.unit, self.instrument = unit, instrument


def refuse(
    code: Code,
    field: str = "",
    limit: int = 0,
    value: int = 0,
    unit: int = terms.UNIT_NONE,
    instrument: str = "",
) -> NoReturn:
    raise Refusal(code, field, limit, value, unit, instrument)


def refuse_money(code: Code, field: str, limit: Decimal, value: Decimal, currency: str) -> NoReturn:
    raise Refusal(code, field, units(limit, currency), units(value, currency), terms.UNIT_MONEY, currency)


@dataclass
class Venue:
    instruments: dict[str, Instrument] = field(default_factory=dict)
    accounts: dict[int, Account] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)  # all there ever were
    requests: dict[str, Request] = field(default_factory=dict)
    settings: dict[str, int] = field(default_factory=dict)
    trading_day: int = 0
    step: int = terms.STEP_OPEN
    run_id: int = 0
    cursor: int = 0
    seq: int = 0
    time: int = 0
    trade_id: int = 0
    events: list[Event] = field(default_factory=list)
    # The venue's own ledger, debit positive (§6); what clients hold is summed from the accounts.
    fees: dict[str, Decimal] = field(default_factory=dict)
    clearing: dict[str, Decimal] = field(default_factory=dict)
    external: dict[str, Decimal] = field(default_factory=dict)
    withdrawal_pending: dict[str, Decimal] = field(default_factory=dict)

    def money(self, account: Account) -> Money:
        return money_of(account, self.instruments)

    def free(self, account: Account, asset: str) -> Decimal:
        """What of a spot wallet is not locked."""
        return account.wallets.get(asset, ZERO) - locked(account, self.instruments, asset)

    def book_add(self, book: dict[str, Decimal], key: str, value: Decimal) -> None:
        book[key] = book.get(key, ZERO) + value

    @property
    def settling(self) -> bool:
        return self.step != terms.STEP_OPEN

    def ledger(self) -> dict[tuple[str, str], int]:
        """(currency, ledger account) → units; zero balances left out."""
        totals: dict[tuple[str, str], Decimal] = {}

        def add(currency: str, name: str, value: Decimal) -> None:
            totals[currency, name] = totals.get((currency, name), ZERO) + value

        for account in self.accounts.values():
            cash = account.pre_balance + account.deposit - account.withdraw
            add("CNY", "client", -(cash + account.close_profit - account.commission))
            for asset, held in account.wallets.items():
                add(asset, "client", -held)
        for currency, value in self.fees.items():
            add(currency, "fees", -value)
        for currency, value in self.external.items():
            add(currency, "external", value)
        for currency, value in self.withdrawal_pending.items():
            add(currency, "withdrawal_pending", -value)
        for name, value in self.clearing.items():
            add(self.instruments[name].spec.currency, f"clearing:{name}", value)
        return {(c, n): units(v, c) for (c, n), v in totals.items() if v}
