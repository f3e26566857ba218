"""Who lives in the demo venue: an operator, two funded traders, and the house users that make and take.
Called by exchange/demo/seed.py and by the makers; passwords are random and kept in `<data>/secrets/demo.json`."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from accounts.models import TradingAccount
from exchange.stack.locate import private_write

PASSWORD_BYTES: Final = 15
OPERATOR, TRADER, MAKER, TAKER = "operator", "trader", "maker", "taker"


@dataclass(frozen=True, slots=True)
class Persona:
    """One demo user. `cash` is CNY futures cash his account begins with, `coins` its spot wallets."""

    username: str
    role: str
    cash: Decimal = Decimal(0)
    coins: Mapping[str, Decimal] = field(default_factory=dict)
    account_type: TradingAccount.Type = TradingAccount.Type.INDIVIDUAL

    @property
    def has_account(self) -> bool:
        return self.role != OPERATOR


_TRADER_COINS: Final = {
    "USDT": Decimal(200_000), "BTC": Decimal(1), "USDC": Decimal(50_000), "SOL": Decimal(300),
}  # fmt: skip
_HOUSE_COINS: Final = {
    "USDT": Decimal(5_000_000), "BTC": Decimal(50), "USDC": Decimal(1_000_000), "SOL": Decimal(7_000),
}  # fmt: skip
PLAY_MONEY: Final = Decimal(10_000_000)


def _house(username: str, role: str) -> Persona:
    """Each house user owns his account alone, so that they may trade with each other."""
    return Persona(username, role, PLAY_MONEY, _HOUSE_COINS, TradingAccount.Type.MARKET_MAKER)


PERSONAS: Final = (
    Persona("operator", OPERATOR),
    Persona("alice", TRADER, PLAY_MONEY, _TRADER_COINS),
    Persona("bob", TRADER, PLAY_MONEY, _TRADER_COINS),
    _house("house-maker-1", MAKER),
    _house("house-maker-2", MAKER),
    _house("house-taker-1", TAKER),
)


def demo_file(data: Path) -> Path:
    """Where the finished seed says who may log in; its presence means that the seed is done."""
    return data / "secrets" / "demo.json"


def draft_file(data: Path) -> Path:
    """The passwords, kept from before the first user exists: a seed that was killed goes on with them."""
    return data / "secrets" / "demo.draft.json"


def passwords_load(data: Path) -> dict[str, str]:
    """Username → password: of the finished seed, of one that was interrupted, and new ones for the rest."""
    known: dict[str, str] = {}
    for path in (demo_file(data), draft_file(data)):
        for user in _read(path).get("users", []):
            known.setdefault(user["username"], user["password"])
    made = {who.username: known.get(who.username) or _password() for who in PERSONAS}
    if made != known:
        path = draft_file(data)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        users = [{"username": username, "password": password} for username, password in made.items()]
        private_write(path, json.dumps({"users": users}))
    return made


def demo_write(data: Path, users: list[dict[str, Any]], contracts_of: date) -> None:
    """Say, 0600 and by rename, who may log in, and of which date the listed contracts are; then the draft is
    not needed any more."""
    said = {"contracts_of": contracts_of.isoformat(), "users": users}
    private_write(demo_file(data), json.dumps(said, indent=2) + "\n")
    draft_file(data).unlink(missing_ok=True)


def demo_users(data: Path) -> list[dict[str, Any]]:
    """What the finished seed wrote; empty before."""
    users: list[dict[str, Any]] = _read(demo_file(data)).get("users", [])
    return users


def contracts_are_of(data: Path, today: date) -> bool:
    """True when the contracts of that date were listed by an earlier start."""
    return bool(_read(demo_file(data)).get("contracts_of") == today.isoformat())


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    return found


def _password() -> str:
    return secrets.token_urlsafe(PASSWORD_BYTES)
