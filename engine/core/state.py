"""The whole state of one partition, and the small helpers every handler needs to refuse or to post.
Called by the handlers; the engine owns one and hands it to them with each command."""

from typing import Any, Final

from engine.core import terms
from engine.core.account import Account
from engine.core.book import Order
from engine.core.codes import Code
from engine.core.events import Event, Rejected
from engine.core.instrument import Instrument
from engine.core.views import RISK_OPEN_MAX_DEFAULT

HOUR_NS: Final = 3_600 * 10**9

SETTINGS: Final[dict[str, tuple[int, int, int]]] = {
    # name: (default, lowest, highest)
    "init_cash_max": (0, 0, terms.MONEY_MAX),
    "risk_open_max": (RISK_OPEN_MAX_DEFAULT, 1, terms.RATIO_ONE),
    "open_orders_max": (10_000, 1, 100_000),
    "client_ids_max": (100_000, 1, 10_000_000),
}


class Request:
    """A money request the core has seen, kept for its day and the next, pending ones for as long as they wait."""

    __slots__ = ("account_id", "amount", "book", "currency", "day", "kind", "other", "status")

    def __init__(
        self,
        account_id: int,
        kind: int,
        book: int,
        currency: str,
        amount: int,
        other: int,
        status: int,
        day: int,
    ) -> None:
        self.account_id = account_id
        self.kind = kind  # terms.CASH_* it began as
        self.book = book
        self.currency = currency
        self.amount = amount
        self.other = other  # transfers: the receiving account and book; else 0
        self.status = status  # terms.CASH_* it has come to
        self.day = day  # trading day it was made on

    def dump(self) -> list[Any]:
        """In the order of __init__, which is how a snapshot is read back."""
        return [
            self.account_id,
            self.kind,
            self.book,
            self.currency,
            self.amount,
            self.other,
            self.status,
            self.day,
        ]


class State:
    __slots__ = (
        "account_ids",
        "accounts",
        "client_ids_max",
        "cursor",
        "finished",
        "instruments",
        "ledger",
        "open_orders_max",
        "orders",
        "out",
        "owners",
        "requests",
        "requests_before",
        "risk_open_max",
        "roll",
        "rules",
        "run_id",
        "seq",
        "settings",
        "step",
        "time",
        "trade_no",
        "trading_day",
    )

    def __init__(self) -> None:
        self.seq = 0
        self.time = 0
        self.rules = 1
        self.trading_day = 0
        self.step = terms.STEP_CHECKED  # before the first day there is nothing to settle
        self.run_id = 0
        self.cursor = 0
        self.trade_no = 0
        self.roll = 0  # how many days were opened
        self.settings = {name: default for name, (default, _, _) in SETTINGS.items()}
        self.instruments: dict[str, Instrument] = {}
        self.accounts: dict[int, Account] = {}
        self.account_ids: list[int] = []  # sorted: long jobs walk accounts in this order
        self.owners: dict[int, list[Account]] = {}
        self.orders: dict[int, Order] = {}
        self.ledger: dict[tuple[str, str], int] = {}  # (currency, ledger account) but clients' and clearing
        self.requests: dict[str, Request] = {}
        self.requests_before: dict[str, Request] = {}
        self.out: list[Event] = []
        self.finished: list[Order] = []  # of the batch under way
        self.settings_apply()

    def settings_apply(self) -> None:
        """The settings the hot path reads, as plain fields."""
        self.risk_open_max = self.settings["risk_open_max"]
        self.open_orders_max = self.settings["open_orders_max"]
        self.client_ids_max = self.settings["client_ids_max"]

    @property
    def settling(self) -> bool:
        """Between steps 1 and 12 no futures order, cash or rate command is taken (trading-rules.md §8)."""
        return self.step != terms.STEP_OPEN and self.trading_day != 0

    def post(self, currency: str, account: str, amount: int) -> None:
        """Debit `amount` (negative: credit) to one of the venue's ledger accounts."""
        key = (currency, account)
        self.ledger[key] = self.ledger.get(key, 0) + amount

    def request(self, request_id: str) -> Request | None:
        found = self.requests.get(request_id)
        return found if found is not None else self.requests_before.get(request_id)

    def requests_turn(self) -> None:
        """At the day's roll: what ended before yesterday's roll is forgotten; what waits is kept."""
        waiting = {
            request_id: request
            for request_id, request in self.requests_before.items()
            if request.status == terms.CASH_WITHDRAW_PENDING
        }
        self.requests_before = waiting | self.requests
        self.requests = {}

    def refuse(
        self,
        code: Code,
        field: str = "",
        limit: int = 0,
        value: int = 0,
        unit: int = terms.UNIT_NONE,
        account_id: int = 0,
        instrument: str = "",
        client_order_id: str = "",
        order_id: int = 0,
    ) -> None:
        """Answer the command with a refusal; nothing else of it may have happened."""
        self.out.append(
            Rejected(int(code), field, limit, value, unit, account_id, instrument, client_order_id, order_id)
        )


def permitted(account: Account, actor: int, scope: int, right: int) -> bool:
    """May `actor` with this key scope do what `right` (terms.SCOPE_*) names on the account?"""
    if scope & terms.SCOPE_OPERATE:
        return True
    if not scope & right:
        return False
    return actor == account.owner or bool(account.grants.get(actor, 0) & right)


def id_is_valid(text: str, length_max: int) -> bool:
    """1 to `length_max` printable ASCII characters."""
    return 0 < len(text) <= length_max and text.isascii() and text.isprintable()
