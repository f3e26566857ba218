"""What must hold after every command: the ledger, the lots, the freezes, the book (DESIGN.md §2, PROMISES P1–P3).
Called by step 10 of the day and, in full, by tests; slow by intent, it recomputes everything."""

from engine.core import ledger, terms
from engine.core.account import Account
from engine.core.instrument import Instrument
from engine.core.state import State


def ledger_balances(state: State) -> dict[tuple[str, str], int]:
    """(currency, ledger account) → units, debit positive; what clients own is negative, in one account a currency."""
    found = dict(state.ledger)
    for account in state.accounts.values():
        _add(found, "CNY", ledger.CLIENT, -account.cash())
        for wallet in account.wallets.values():
            _add(found, wallet.asset, ledger.CLIENT, -wallet.available - wallet.locked)
    for instrument in state.instruments.values():
        _add(found, instrument.spec.currency, ledger.FEES, instrument.fees)
        if instrument.clearing:
            _add(found, instrument.spec.currency, ledger.clearing(instrument.instrument), instrument.clearing)
    return {key: amount for key, amount in found.items() if amount}


def _add(found: dict[tuple[str, str], int], currency: str, account: str, amount: int) -> None:
    found[(currency, account)] = found.get((currency, account), 0) + amount


def books_faults(state: State) -> list[tuple[str, int]]:
    """[(what is off, by how much)]: ledger sums, Σ long = Σ short = open interest, clearing + Σ position profit."""
    faults = []
    sums: dict[str, int] = {}
    for (currency, _), amount in ledger_balances(state).items():
        sums[currency] = sums.get(currency, 0) + amount
    faults += [(f"ledger {currency}", amount) for currency, amount in sums.items() if amount]
    totals = {name: [0, 0, 0] for name in state.instruments}
    for account in state.accounts.values():
        for name, position in account.positions.items():
            total = totals[name]
            total[0] += position.long.volume
            total[1] += position.short.volume
            total[2] += position.profit()
    for name, (long, short, profit) in totals.items():
        instrument = state.instruments[name]
        if long != short:
            faults.append((f"lots {name}", long - short))
        if not instrument.is_spot and long != instrument.open_interest:
            faults.append((f"open interest {name}", instrument.open_interest - long))
        if instrument.clearing + profit:
            faults.append((f"clearing {name}", instrument.clearing + profit))
    return faults


def faults(state: State) -> list[str]:
    """Every invariant that does not hold, in words; empty when all do."""
    found = [f"{name} is off by {difference}" for name, difference in books_faults(state)]
    for instrument in state.instruments.values():
        found += _book_faults(state, instrument)
    for account in state.accounts.values():
        found += _account_faults(state, account)
    return found


def _book_faults(state: State, instrument: Instrument) -> list[str]:
    found, name = [], instrument.instrument
    bids, asks = instrument.book.bids, instrument.book.asks
    if bids.best is not None and asks.best is not None and bids.best.price >= asks.best.price:
        found.append(f"{name}: the book is crossed, {bids.best.price} ≥ {asks.best.price}")
    for side in (bids, asks):
        if side.keys != sorted(side.keys) or (side.best.price * side.side if side.best else None) != (
            side.keys[-1] if side.keys else None
        ):
            found.append(f"{name}: the best level is not the best")
        for level in side:
            orders = list(level)
            if (
                level.volume != sum(order.left for order in orders)
                or level.count != len(orders)
                or not orders
            ):
                found.append(f"{name}: level {level.price} does not add up")
            for order in orders:
                if state.orders.get(order.order_id) is not order or order.left <= 0:
                    found.append(f"{name}: order {order.order_id} is in the book but not live")
    return found


def _account_faults(state: State, account: Account) -> list[str]:
    found, name = [], f"account {account.account_id}"
    if account.margin_gross != sum(position.margin_gross() for position in account.positions.values()):
        found.append(f"{name}: the gross margin {account.margin_gross} is not its holdings'")
    if account.equity_floor != account.cash() + sum(p.floor for p in account.positions.values()):
        found.append(f"{name}: the equity floor {account.equity_floor} is not its positions'")
    for instrument, position in account.positions.items():
        for holding in (position.long, position.short):
            today = sum(lot.volume for lot in holding.today)
            history = sum(lot.volume for lot in holding.history)
            if (today, history) != (holding.today_volume, holding.history_volume):
                found.append(f"{name} {instrument}: lots do not add up")
            if (
                holding.frozen > holding.volume
                or holding.frozen_today > today
                or holding.frozen_history > history
            ):
                found.append(f"{name} {instrument}: more lots frozen than held")
    for wallet in account.wallets.values():
        if wallet.available < 0 or wallet.locked < 0:
            found.append(f"{name}: wallet {wallet.asset} is {wallet.available}/{wallet.locked}")
    if state.step not in (terms.STEP_RATED, terms.STEP_SETTLED) or state.settling is False:
        found += _freeze_faults(state, account)
    return found


def _freeze_faults(state: State, account: Account) -> list[str]:
    """What is frozen is what the account's live orders hold."""
    commission, locked = 0, dict.fromkeys(account.wallets, 0)
    reserved: dict[tuple[str, int], int] = {}
    count = 0
    for order in state.orders.values():
        if order.account is not account:
            continue
        count += 1
        if order.instrument.is_spot:
            buys = order.side > 0
            asset = order.instrument.spec.currency if buys else order.instrument.spec.base
            per_lot = order.price * order.instrument.tick_money if buys else order.instrument.base_lot
            locked[asset] += order.left * per_lot
        elif order.offset == terms.OPEN:
            commission += order.fee_lot * order.left
            key = (order.instrument.instrument, order.side)
            reserved[key] = reserved.get(key, 0) + order.margin_lot * order.left
    found = []
    if count != account.orders:
        found.append(f"account {account.account_id}: counts {account.orders} live orders of {count}")
    if commission != account.frozen_commission:
        found.append(
            f"account {account.account_id}: frozen commission {account.frozen_commission}, not {commission}"
        )
    for instrument, position in account.positions.items():
        for holding in (position.long, position.short):
            held = reserved.pop((instrument, holding.side), 0)
            if holding.margin_frozen != held:
                found.append(
                    f"account {account.account_id} {instrument}: froze {holding.margin_frozen}, its orders hold {held}"
                )
    found += [f"account {account.account_id}: nothing frozen for {key}" for key in reserved]
    for asset, amount in locked.items():
        if account.wallets[asset].locked != amount:
            found.append(
                f"account {account.account_id}: {asset} locked {account.wallets[asset].locked}, not {amount}"
            )
    return found
