"""The double-entry view of events: each becomes postings that sum to zero per currency.
Called by projections and tests; debit is positive: what the venue owes clients is negative (trading-rules §6)."""

from collections.abc import Callable
from dataclasses import dataclass

from engine.core import terms
from engine.core.commands import InstrumentSpec
from engine.core.events import CashMoved, Event, PositionSettled, Trade

CLIENT = "client"
PENDING = "withdrawal_pending"
FEES = "fees"
IN_TRANSIT = "in_transit"
EXTERNAL = "external"

# movement → (account debited, account credited)
_MOVEMENTS: dict[int, tuple[str, str]] = {
    terms.CASH_INIT: (EXTERNAL, CLIENT),
    terms.CASH_DEPOSIT: (EXTERNAL, CLIENT),
    terms.CASH_WITHDRAW_PENDING: (CLIENT, PENDING),
    terms.CASH_WITHDRAW_DONE: (PENDING, EXTERNAL),
    terms.CASH_WITHDRAW_REFUSED: (PENDING, CLIENT),
    terms.CASH_TRANSFER_OUT: (CLIENT, IN_TRANSIT),
    terms.CASH_TRANSFER_IN: (IN_TRANSIT, CLIENT),
}
MOVEMENT_NAMES: dict[int, str] = {
    terms.CASH_INIT: "init_cash",
    terms.CASH_DEPOSIT: "deposit",
    terms.CASH_WITHDRAW_PENDING: "withdraw_pending",
    terms.CASH_WITHDRAW_DONE: "withdraw_done",
    terms.CASH_WITHDRAW_REFUSED: "withdraw_refused",
    terms.CASH_TRANSFER_OUT: "transfer_out",
    terms.CASH_TRANSFER_IN: "transfer_in",
}


@dataclass(slots=True)
class Posting:
    """`amount` units debited to ledger account `account`; `account_id` is the trading account (0: the venue's own)."""

    currency: str
    account: str
    amount: int
    account_id: int
    reason: str


def clearing(instrument: str) -> str:
    """The clearing account: counter-posting of close profit and of settlement variation."""
    return f"clearing:{instrument}"


def postings(event: Event, spec_of: Callable[[str], InstrumentSpec]) -> list[Posting]:
    """The event's postings, none for events that move no money; they sum to 0 per currency."""
    if isinstance(event, Trade):
        spec = spec_of(event.instrument)
        return _spot_trade(event, spec) if spec.kind == terms.SPOT else _futures_trade(event, spec.currency)
    if isinstance(event, CashMoved):
        debit, credit = _MOVEMENTS[event.movement]
        reason = MOVEMENT_NAMES[event.movement]
        return _move(event.currency, debit, credit, event.amount, event.account_id, reason)
    if isinstance(event, PositionSettled) and event.variation:
        currency = spec_of(event.instrument).currency
        account = clearing(event.instrument)
        return _move(currency, account, CLIENT, event.variation, event.account_id, "settlement")
    return []


def _move(currency: str, debit: str, credit: str, amount: int, account_id: int, reason: str) -> list[Posting]:
    return [
        Posting(currency, debit, amount, account_id, reason),
        Posting(currency, credit, -amount, account_id, reason),
    ]


def _futures_trade(event: Trade, currency: str) -> list[Posting]:
    found: list[Posting] = []
    for account_id, fee, profit in (
        (event.buy_account_id, event.buy_fee, event.buy_close_profit),
        (event.sell_account_id, event.sell_fee, event.sell_close_profit),
    ):
        if fee:
            found += _move(currency, CLIENT, FEES, fee, account_id, "commission")
        if profit:
            found += _move(currency, clearing(event.instrument), CLIENT, profit, account_id, "close_profit")
    return found


def _spot_trade(event: Trade, spec: InstrumentSpec) -> list[Posting]:
    coins = event.volume * spec.lot_units * 10 ** (terms.CURRENCY_SCALES[spec.base] - spec.lot_scale)
    buyer, seller = event.buy_account_id, event.sell_account_id
    found = [
        Posting(spec.base, CLIENT, coins, seller, "trade"),
        Posting(spec.base, CLIENT, -coins, buyer, "trade"),
        Posting(spec.currency, CLIENT, event.notional, buyer, "trade"),
        Posting(spec.currency, CLIENT, -event.notional, seller, "trade"),
    ]
    if event.buy_fee:
        found += _move(spec.base, CLIENT, FEES, event.buy_fee, buyer, "commission")
    if event.sell_fee:
        found += _move(spec.currency, CLIENT, FEES, event.sell_fee, seller, "commission")
    return found
