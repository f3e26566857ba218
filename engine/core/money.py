"""Money in, out and across: deposits, withdrawals, transfers, and opening accounts.
Called by the engine; every movement has a request id that makes a repeat harmless (trading-rules.md §6, §11)."""

from bisect import insort

from engine.core import terms
from engine.core.account import Account
from engine.core.codes import Code
from engine.core.commands import (
    AccountFreeze,
    AccountGrant,
    AccountOpen,
    CashDeposit,
    CashTransfer,
    CashWithdraw,
    CashWithdrawEnd,
)
from engine.core.events import AccountFrozen, AccountGranted, AccountOpened, CashMoved, CashReported
from engine.core.state import Request, State, id_is_valid, permitted
from engine.core.views import withdraw_quota

RIGHTS_ALL = terms.SCOPE_READ | terms.SCOPE_TRADE | terms.SCOPE_TRANSFER
FREEZE_ALL = terms.FREEZE_TRADING | terms.FREEZE_WITHDRAW
CNY_STEP = 100  # CNY goes in and out with 2 places


def account_open(state: State, command: AccountOpen) -> None:
    account_id, owner, cash = command.account_id, command.owner, command.init_cash
    cash_max = state.settings["init_cash_max"]
    if not command.scope & terms.SCOPE_OPERATE and command.actor != owner:
        state.refuse(Code.NOT_PERMITTED, "owner", account_id=account_id)
    elif account_id in state.accounts:
        state.refuse(Code.ACCOUNT_EXISTS, "account_id", account_id=account_id)
    elif not 0 < account_id <= terms.ID_MAX or not 0 < owner <= terms.ID_MAX:
        field = "owner" if 0 < account_id <= terms.ID_MAX else "account_id"
        state.refuse(Code.ACCOUNT_NOT_FOUND, field, account_id=account_id)
    elif len(state.accounts) >= terms.ACCOUNTS_MAX:
        state.refuse(
            Code.TOO_MANY_ACCOUNTS, "account_id", terms.ACCOUNTS_MAX, 0, terms.UNIT_COUNT, account_id
        )
    elif cash > cash_max:
        state.refuse(
            Code.INIT_CASH_TOO_HIGH, "init_cash", cash_max, cash, terms.UNIT_MONEY, account_id, "CNY"
        )
    elif cash < 0 or cash % CNY_STEP:
        state.refuse(Code.AMOUNT_INVALID, "init_cash", CNY_STEP, cash, terms.UNIT_MONEY, account_id, "CNY")
    else:
        account = Account(account_id, owner)
        account.ids_roll = state.roll
        state.accounts[account_id] = account
        insort(state.account_ids, account_id)
        state.owners.setdefault(owner, []).append(account)
        state.out.append(AccountOpened(account_id, owner, cash))
        if cash:
            account.deposit = account.equity_floor = cash
            state.post("CNY", "external", cash)
            state.out.append(CashMoved(account_id, "", terms.CASH_INIT, terms.BOOK_FUTURES, "CNY", cash))


def account_grant(state: State, command: AccountGrant) -> None:
    account = state.accounts.get(command.account_id)
    if account is None:
        state.refuse(Code.ACCOUNT_NOT_FOUND, "account_id", account_id=command.account_id)
    elif not command.scope & terms.SCOPE_OPERATE and command.actor != account.owner:
        state.refuse(Code.NOT_PERMITTED, "account_id", account_id=command.account_id)
    elif command.rights & ~RIGHTS_ALL or command.rights < 0:
        state.refuse(
            Code.SETTING_INVALID, "rights", RIGHTS_ALL, command.rights, account_id=command.account_id
        )
    elif len(account.grants) >= terms.CHUNK and command.user not in account.grants:
        state.refuse(
            Code.SETTING_INVALID, "user", terms.CHUNK, len(account.grants), account_id=command.account_id
        )
    else:
        if command.rights:
            account.grants[command.user] = command.rights
        else:
            account.grants.pop(command.user, None)
        state.out.append(AccountGranted(command.account_id, command.user, command.rights))


def account_freeze(state: State, command: AccountFreeze) -> None:
    account = state.accounts.get(command.account_id)
    if not command.scope & terms.SCOPE_OPERATE:
        state.refuse(Code.SCOPE_MISSING, "operate", account_id=command.account_id)
    elif account is None:
        state.refuse(Code.ACCOUNT_NOT_FOUND, "account_id", account_id=command.account_id)
    elif command.freeze & ~FREEZE_ALL or command.freeze < 0:
        state.refuse(
            Code.SETTING_INVALID, "freeze", FREEZE_ALL, command.freeze, account_id=command.account_id
        )
    else:
        account.freeze = command.freeze
        state.out.append(AccountFrozen(command.account_id, command.freeze))


def cash_deposit(state: State, command: CashDeposit) -> None:
    account = state.accounts.get(command.account_id)
    if not command.scope & terms.SCOPE_OPERATE:
        state.refuse(Code.SCOPE_MISSING, "operate", account_id=command.account_id)
        return
    if account is None:
        state.refuse(Code.ACCOUNT_NOT_FOUND, "account_id", account_id=command.account_id)
        return
    if _answered(state, command, terms.CASH_DEPOSIT, 0) or _refused(state, command):
        return
    _credit(account, command.book, command.currency, command.amount)
    state.post(command.currency, "external", command.amount)
    _note(state, command, terms.CASH_DEPOSIT, terms.CASH_DEPOSIT, 0)
    _moved(state, command.account_id, command.request_id, terms.CASH_DEPOSIT, command)


def cash_withdraw(state: State, command: CashWithdraw) -> None:
    account = state.accounts.get(command.account_id)
    if account is None:
        state.refuse(Code.ACCOUNT_NOT_FOUND, "account_id", account_id=command.account_id)
        return
    if not permitted(account, command.actor, command.scope, terms.SCOPE_TRANSFER):
        state.refuse(Code.NOT_PERMITTED, "account_id", account_id=command.account_id)
        return
    if _answered(state, command, terms.CASH_WITHDRAW_PENDING, 0) or _refused(state, command):
        return
    if _quota_exceeded(state, account, command):
        return
    _debit(account, command.book, command.currency, command.amount)
    state.post(command.currency, "withdrawal_pending", -command.amount)
    _note(state, command, terms.CASH_WITHDRAW_PENDING, terms.CASH_WITHDRAW_PENDING, 0)
    _moved(state, command.account_id, command.request_id, terms.CASH_WITHDRAW_PENDING, command)


def cash_withdraw_end(state: State, command: CashWithdrawEnd) -> None:
    """Pay a pending withdrawal out, or refuse it and post it back."""
    request = state.request(command.request_id)
    account = state.accounts.get(command.account_id)
    status = terms.CASH_WITHDRAW_DONE if command.paid else terms.CASH_WITHDRAW_REFUSED
    if not command.scope & terms.SCOPE_OPERATE:
        state.refuse(Code.SCOPE_MISSING, "operate", account_id=command.account_id)
        return
    if account is None or request is None or request.account_id != command.account_id:
        state.refuse(Code.REQUEST_NOT_FOUND, "request_id", account_id=command.account_id)
        return
    if request.kind != terms.CASH_WITHDRAW_PENDING:
        state.refuse(Code.REQUEST_CONFLICT, "request_id", account_id=command.account_id)
        return
    if request.status != terms.CASH_WITHDRAW_PENDING:
        state.out.append(CashReported(command.account_id, command.request_id, request.status))
        return
    if request.book == terms.BOOK_FUTURES and state.settling:
        state.refuse(Code.SETTLEMENT_RUNNING, "request_id", account_id=command.account_id)
        return
    request.status = status
    state.post(request.currency, "withdrawal_pending", request.amount)
    if command.paid:
        state.post(request.currency, "external", -request.amount)
    elif request.book == terms.BOOK_FUTURES and request.day == state.trading_day:
        account.withdraw -= request.amount
        account.equity_floor += request.amount
    else:
        _credit(account, request.book, request.currency, request.amount)
    _moved(state, command.account_id, command.request_id, status, request)


def cash_transfer(state: State, command: CashTransfer) -> None:
    """Between an owner's accounts or an account's books, in one currency; one command, both legs."""
    source = state.accounts.get(command.account_id)
    target = state.accounts.get(command.to_account_id)
    if source is None or target is None:
        field = "account_id" if source is None else "to_account_id"
        state.refuse(Code.ACCOUNT_NOT_FOUND, field, account_id=command.account_id)
        return
    if (
        not permitted(source, command.actor, command.scope, terms.SCOPE_TRANSFER)
        or source.owner != target.owner
    ):
        state.refuse(Code.NOT_PERMITTED, "to_account_id", account_id=command.account_id)
        return
    leg = CashWithdraw(
        command.actor,
        command.scope,
        command.account_id,
        command.request_id,
        command.from_book,
        command.currency,
        command.amount,
    )
    other = command.to_account_id * 2 + command.to_book
    if _answered(state, leg, terms.CASH_TRANSFER_OUT, other) or _refused(state, leg):
        return
    if _book_refused(state, command.account_id, command.to_book, command.currency):
        return
    if source is target and command.from_book == command.to_book:
        state.refuse(Code.NOT_PERMITTED, "to_account_id", account_id=command.account_id)
        return
    if _quota_exceeded(state, source, leg):
        return
    _debit(source, command.from_book, command.currency, command.amount)
    _credit(target, command.to_book, command.currency, command.amount)
    _note(state, leg, terms.CASH_TRANSFER_OUT, terms.CASH_TRANSFER_OUT, other)
    _moved(state, command.account_id, command.request_id, terms.CASH_TRANSFER_OUT, leg)
    leg.book = command.to_book
    _moved(state, command.to_account_id, command.request_id, terms.CASH_TRANSFER_IN, leg)


def _answered(state: State, command: CashDeposit | CashWithdraw, kind: int, other: int) -> bool:
    """A request id seen before is answered again with what it came to, or conflicts."""
    known = state.request(command.request_id)
    if known is None:
        return False
    body = (known.account_id, known.kind, known.book, known.currency, known.amount, known.other)
    if body == (command.account_id, kind, command.book, command.currency, command.amount, other):
        state.out.append(CashReported(command.account_id, command.request_id, known.status))
    else:
        state.refuse(Code.REQUEST_CONFLICT, "request_id", account_id=command.account_id)
    return True


def _refused(state: State, command: CashDeposit | CashWithdraw) -> bool:
    amount, currency, length_max = command.amount, command.currency, terms.REQUEST_ID_LENGTH
    if not id_is_valid(command.request_id, length_max):
        state.refuse(
            Code.REQUEST_ID_INVALID, "request_id", length_max, 0, terms.UNIT_COUNT, command.account_id
        )
        return True
    if _book_refused(state, command.account_id, command.book, currency):
        return True
    step = CNY_STEP if currency == "CNY" else 1
    if not 0 < amount < terms.MONEY_MAX or amount % step:
        limit = step if 0 < amount < terms.MONEY_MAX else terms.MONEY_MAX
        state.refuse(
            Code.AMOUNT_INVALID, "amount", limit, amount, terms.UNIT_MONEY, command.account_id, currency
        )
        return True
    return False


def _book_refused(state: State, account_id: int, book: int, currency: str) -> bool:
    """Futures cash is CNY and rests while the day is settled; a wallet may hold any currency."""
    if (
        currency not in terms.CURRENCY_SCALES
        or book not in (terms.BOOK_FUTURES, terms.BOOK_SPOT)
        or (book == terms.BOOK_FUTURES and currency != "CNY")
    ):
        state.refuse(Code.CURRENCY_UNKNOWN, "currency", account_id=account_id)
    elif book == terms.BOOK_FUTURES and state.settling:
        state.refuse(Code.SETTLEMENT_RUNNING, "account_id", account_id=account_id)
    else:
        return False
    return True


def _quota_exceeded(state: State, account: Account, command: CashWithdraw) -> bool:
    account_id, currency = command.account_id, command.currency
    if account.freeze & terms.FREEZE_WITHDRAW:
        state.refuse(Code.ACCOUNT_FROZEN, "account_id", account_id=account_id)
        return True
    quota = quota_of(state, account) if command.book == terms.BOOK_FUTURES else 0
    if command.book == terms.BOOK_SPOT and currency in account.wallets:
        quota = account.wallets[currency].available
    if command.amount > quota:
        state.refuse(
            Code.WITHDRAW_QUOTA_EXCEEDED,
            "amount",
            quota,
            command.amount,
            terms.UNIT_MONEY,
            account_id,
            currency,
        )
        return True
    return False


def quota_of(state: State, account: Account) -> int:
    """withdraw_quota of the futures cash (trading-rules.md §6)."""
    available = account.available()
    profit = account.position_profit()
    charge = sum(account.margins())
    return withdraw_quota(
        available=available,
        profits=max(0, profit) + max(0, account.close_profit),
        charge=charge,
        equity=available + charge,
        risk_open_max=state.risk_open_max,
    )


def _credit(account: Account, book: int, currency: str, amount: int) -> None:
    if book == terms.BOOK_FUTURES:
        account.deposit += amount
        account.equity_floor += amount
    else:
        account.wallet(currency).available += amount


def _debit(account: Account, book: int, currency: str, amount: int) -> None:
    if book == terms.BOOK_FUTURES:
        account.withdraw += amount
        account.equity_floor -= amount
    else:
        account.wallet(currency).available -= amount


def _note(state: State, command: CashDeposit | CashWithdraw, kind: int, status: int, other: int) -> None:
    state.requests[command.request_id] = Request(
        command.account_id,
        kind,
        command.book,
        command.currency,
        command.amount,
        other,
        status,
        state.trading_day,
    )


def _moved(
    state: State, account_id: int, request_id: str, movement: int, what: CashDeposit | CashWithdraw | Request
) -> None:
    state.out.append(CashMoved(account_id, request_id, movement, what.book, what.currency, what.amount))
