"""Money in, out and across (trading-rules.md §6, §11), one booking for each movement.
Called by tests/model/model.py."""

from dataclasses import replace
from decimal import Decimal

from engine.core import terms
from engine.core.codes import Code
from engine.core.commands import CashDeposit, CashTransfer, CashWithdraw, CashWithdrawEnd
from engine.core.events import CashMoved, CashReported
from tests.model.money import withdraw_quota
from tests.model.numbers import ZERO, amount
from tests.model.rights import account_for, operator_only
from tests.model.state import Account, Request
from tests.model.venue import Venue, refuse, refuse_money

CNY_CENT = 100  # units: CNY goes in and out with two places
CashRequest = CashDeposit | CashWithdraw | CashTransfer


def cash_deposit(venue: Venue, command: CashDeposit) -> None:
    operator_only(command)
    account = venue.accounts.get(command.account_id)
    if account is None:
        refuse(Code.ACCOUNT_NOT_FOUND, "account_id")
    if answered(venue, command):
        return
    request_check(venue, command, command.book)
    value = amount(command.amount, command.currency)
    credit(account, command.book, command.currency, value)
    venue.book_add(venue.external, command.currency, value)
    remember(venue, command, terms.CASH_DEPOSIT)
    moved(venue, command.account_id, command, terms.CASH_DEPOSIT, command.book)


def cash_withdraw(venue: Venue, command: CashWithdraw) -> None:
    account = account_for(venue, command, terms.SCOPE_TRANSFER)
    if answered(venue, command):
        return
    request_check(venue, command, command.book)
    quota_check(venue, account, command, command.book)
    value = amount(command.amount, command.currency)
    debit(account, command.book, command.currency, value)
    venue.book_add(venue.withdrawal_pending, command.currency, value)
    remember(venue, command, terms.CASH_WITHDRAW_PENDING)
    moved(venue, command.account_id, command, terms.CASH_WITHDRAW_PENDING, command.book)


def cash_withdraw_end(venue: Venue, command: CashWithdrawEnd) -> None:
    operator_only(command)
    request = venue.requests.get(command.request_id)
    account = venue.accounts.get(command.account_id)
    if account is None or request is None or request.body.account_id != command.account_id:
        refuse(Code.REQUEST_NOT_FOUND, "request_id")
    body = request.body
    if not isinstance(body, CashWithdraw):
        refuse(Code.REQUEST_CONFLICT, "request_id")
    if request.status != terms.CASH_WITHDRAW_PENDING:
        venue.events.append(CashReported(command.account_id, command.request_id, request.status))
        return
    if body.book == terms.BOOK_FUTURES and venue.settling:
        refuse(Code.SETTLEMENT_RUNNING, "request_id")
    request.status = terms.CASH_WITHDRAW_DONE if command.paid else terms.CASH_WITHDRAW_REFUSED
    value = amount(body.amount, body.currency)
    venue.book_add(venue.withdrawal_pending, body.currency, -value)
    if command.paid:
        venue.book_add(venue.external, body.currency, -value)
    elif body.book == terms.BOOK_FUTURES and request.day == venue.trading_day:
        account.withdraw -= value  # the same day: as if it had not been asked for
    else:
        credit(account, body.book, body.currency, value)
    moved(venue, command.account_id, body, request.status, body.book)


def cash_transfer(venue: Venue, command: CashTransfer) -> None:
    for name, account_id in (("account_id", command.account_id), ("to_account_id", command.to_account_id)):
        if account_id not in venue.accounts:
            refuse(Code.ACCOUNT_NOT_FOUND, name)
    source = venue.accounts[command.account_id]
    target = venue.accounts[command.to_account_id]
    account_for(venue, command, terms.SCOPE_TRANSFER, "to_account_id")
    if source.owner != target.owner:
        refuse(Code.NOT_PERMITTED, "to_account_id")
    if answered(venue, command):
        return
    request_check(venue, command, command.from_book)
    book_check(venue, command.to_book, command.currency)
    if source is target and command.from_book == command.to_book:
        refuse(Code.NOT_PERMITTED, "to_account_id")
    quota_check(venue, source, command, command.from_book)
    value = amount(command.amount, command.currency)
    debit(source, command.from_book, command.currency, value)
    credit(target, command.to_book, command.currency, value)
    remember(venue, command, terms.CASH_TRANSFER_OUT)
    moved(venue, command.account_id, command, terms.CASH_TRANSFER_OUT, command.from_book)
    moved(venue, command.to_account_id, command, terms.CASH_TRANSFER_IN, command.to_book)


def answered(venue: Venue, command: CashRequest) -> bool:
    """A request id seen before: the same body is answered again, another is refused."""
    known = venue.requests.get(command.request_id)
    if known is None:
        return False
    if known.body != replace(command, actor=0, scope=0):
        refuse(Code.REQUEST_CONFLICT, "request_id")
    venue.events.append(CashReported(command.account_id, command.request_id, known.status))
    return True


def remember(venue: Venue, command: CashRequest, status: int) -> None:
    body = replace(command, actor=0, scope=0)
    venue.requests[command.request_id] = Request(body, status, venue.trading_day)


def request_check(venue: Venue, command: CashRequest, book: int) -> None:
    request_id, limit = command.request_id, terms.REQUEST_ID_LENGTH
    if not 1 <= len(request_id) <= limit or not all(" " <= c <= "~" for c in request_id):
        refuse(Code.REQUEST_ID_INVALID, "request_id", limit, 0, terms.UNIT_COUNT)
    book_check(venue, book, command.currency)
    step = CNY_CENT if command.currency == "CNY" else 1
    if not 0 < command.amount < terms.MONEY_MAX:
        amount_refuse(command, terms.MONEY_MAX)
    if command.amount % step:
        amount_refuse(command, step)


def amount_refuse(command: CashRequest, limit: int) -> None:
    refuse(Code.AMOUNT_INVALID, "amount", limit, command.amount, terms.UNIT_MONEY, command.currency)


def book_check(venue: Venue, book: int, currency: str) -> None:
    """Futures cash is CNY and rests while the day is settled; a wallet holds any currency."""
    futures = book == terms.BOOK_FUTURES
    if currency not in terms.CURRENCY_SCALES or book not in (terms.BOOK_FUTURES, terms.BOOK_SPOT):
        refuse(Code.CURRENCY_UNKNOWN, "currency")
    if futures and currency != "CNY":
        refuse(Code.CURRENCY_UNKNOWN, "currency")
    if futures and venue.settling:
        refuse(Code.SETTLEMENT_RUNNING, "account_id")


def quota_check(venue: Venue, account: Account, command: CashRequest, book: int) -> None:
    if account.freeze & terms.FREEZE_WITHDRAW:
        refuse(Code.ACCOUNT_FROZEN, "account_id")
    if book == terms.BOOK_FUTURES:
        quota = withdraw_quota(account, venue.money(account), venue.settings["risk_open_max"])
    else:
        quota = venue.free(account, command.currency)
    value = amount(command.amount, command.currency)
    if value > quota:
        refuse_money(Code.WITHDRAW_QUOTA_EXCEEDED, "amount", quota, value, command.currency)


def credit(account: Account, book: int, currency: str, value: Decimal) -> None:
    if book == terms.BOOK_FUTURES:
        account.deposit += value
    else:
        account.wallets[currency] = account.wallets.get(currency, ZERO) + value


def debit(account: Account, book: int, currency: str, value: Decimal) -> None:
    if book == terms.BOOK_FUTURES:
        account.withdraw += value
    else:
        account.wallets[currency] = account.wallets.get(currency, ZERO) - value


def moved(venue: Venue, account_id: int, command: CashRequest, movement: int, book: int) -> None:
    venue.events.append(
        CashMoved(account_id, command.request_id, movement, book, command.currency, command.amount)
    )
