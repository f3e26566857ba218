"""An account's money as people see it: the core's one valuation, in Decimals.
Called by the reader; the numbers are trading-rules.md §6, exact at the currency's scale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from engine.border import from_units
from engine.core import terms
from engine.core.views import RISK_OPEN_MAX_DEFAULT, AccountView, funds

FUNDS_CURRENCY: Final = "CNY"
RATIO_SCALE: Final = 9


@dataclass(slots=True, frozen=True)
class LiveWallet:
    """One spot asset of an account, in the asset."""

    asset: str
    available: Decimal
    locked: Decimal


@dataclass(slots=True, frozen=True)
class LiveFunds:
    """The futures side in `currency`, the spot wallets, and the (epoch, seq) at which both are true."""

    account_id: int
    owner: int
    freeze: int
    open_orders: int
    currency: str
    pre_balance: Decimal
    static_balance: Decimal
    deposit: Decimal
    withdraw: Decimal
    close_profit: Decimal
    position_profit: Decimal
    float_profit: Decimal
    commission: Decimal
    balance: Decimal
    margin: Decimal
    frozen_margin: Decimal
    frozen_commission: Decimal
    available: Decimal
    risk_ratio: Decimal | None  # None: ∞, a balance ≤ 0 with margin charged
    withdraw_quota: Decimal
    epoch: int
    seq: int
    wallets: list[LiveWallet] = field(default_factory=list)


def funds_of(
    account: AccountView,
    marks: Mapping[str, int],
    *,
    epoch: int,
    seq: int,
    venue: Mapping[str, int] | None = None,
) -> LiveFunds:
    """Value `account` at `marks` (money units a lot per instrument held).

    `venue`: the settings of LiveReader.venue or Hub.venue. They bound what may be withdrawn: by the risk
    level, and nothing while the day is being settled. Without them the level is the default."""
    venue = venue or {}
    units = funds(account, marks, venue.get("risk_open_max", RISK_OPEN_MAX_DEFAULT))
    if venue.get("trading_day") and venue.get("step") != terms.STEP_OPEN:
        units.withdraw_quota = 0
    money = {name: from_units(getattr(units, name), terms.CURRENCY_SCALES[FUNDS_CURRENCY]) for name in _MONEY}
    return LiveFunds(
        account_id=account.account_id,
        owner=account.owner,
        freeze=account.freeze,
        open_orders=account.open_orders,
        currency=FUNDS_CURRENCY,
        **money,
        risk_ratio=risk_ratio(units.margin, units.balance),
        epoch=epoch,
        seq=seq,
        wallets=[_wallet(wallet.asset, wallet.available, wallet.locked) for wallet in account.wallets],
    )


_MONEY: Final = (
    "pre_balance",
    "static_balance",
    "deposit",
    "withdraw",
    "close_profit",
    "position_profit",
    "float_profit",
    "commission",
    "balance",
    "margin",
    "frozen_margin",
    "frozen_commission",
    "available",
    "withdraw_quota",
)


def risk_ratio(margin: int, balance: int) -> Decimal | None:
    """风险度: margin ÷ balance to nine places, half up; 0 without margin, None where it is ∞."""
    if margin <= 0:
        return from_units(0, RATIO_SCALE)
    if balance <= 0:
        return None
    return from_units((2 * margin * terms.RATIO_ONE + balance) // (2 * balance), RATIO_SCALE)


def _wallet(asset: str, available: int, locked: int) -> LiveWallet:
    scale = terms.CURRENCY_SCALES[asset]
    return LiveWallet(asset, from_units(available, scale), from_units(locked, scale))
