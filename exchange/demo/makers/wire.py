"""What a house user reads from /ws and REST, as msgspec structs: only the fields it needs, numbers exact.
Called by session.py and the agents."""

from decimal import Decimal

import msgspec


class OrderRow(msgspec.Struct):
    """An order of ours as pushed."""

    order_id: str
    exchange_id: str
    instrument_id: str
    direction: str
    price: Decimal
    volume_left: Decimal
    status: str

    @property
    def is_live(self) -> bool:
        return self.status in ("submitted", "partially_filled")


class PositionRow(msgspec.Struct):
    """A position of ours as pushed: lots by side and age, and how many of them orders have frozen."""

    exchange_id: str
    instrument_id: str
    volume_long: int
    volume_long_today: int
    volume_long_his: int
    volume_long_frozen_today: int
    volume_long_frozen_his: int
    volume_short: int
    volume_short_today: int
    volume_short_his: int
    volume_short_frozen_today: int
    volume_short_frozen_his: int


class ErrorRow(msgspec.Struct):
    """A refusal."""

    code: int
    message: str


class ResultRow(msgspec.Struct):
    """One entry of a batch's answer."""

    success: bool
    error: ErrorRow | None = None


class WalletRow(msgspec.Struct):
    """A spot wallet."""

    asset: str
    available: Decimal
    locked: Decimal


class AccountRow(msgspec.Struct):
    """An account's money."""

    balance: Decimal
    available: Decimal
    wallets: list[WalletRow] = []


class Frame(msgspec.Struct):
    """Any message of the server; fields that its type does not have stay None."""

    type: str
    request_id: int | None = None
    success: bool | None = None
    code: int | None = None
    message: str | None = None
    stream: str | None = None
    seq: int | None = None
    prev: int | None = None
    snapshot: bool | None = None
    account_ids: list[str] = []
    orders: list[OrderRow] = []
    positions: list[PositionRow] = []
    results: list[ResultRow] = []
    data: msgspec.Raw = msgspec.Raw(b"null")
    # ticker
    instrument_id: str | None = None
    exchange_id: str | None = None
    last_price: Decimal | None = None
    bid_price: Decimal | None = None
    ask_price: Decimal | None = None
    pre_settlement: Decimal | None = None
    upper_limit: Decimal | None = None
    lower_limit: Decimal | None = None
    status: str | None = None
    phase: str | None = None


class InstrumentRow(msgspec.Struct):
    """An instrument as GET /api/market/instruments has it."""

    instrument_id: str
    exchange_id: str
    product_id: str
    instrument_type: str
    currency: str
    base: str | None
    tick_size: Decimal
    lot_size: Decimal
    last_price: Decimal | None
    pre_settlement: Decimal | None
    upper_limit: Decimal | None
    lower_limit: Decimal | None
    status: str

    @property
    def name(self) -> str:
        """The full id, unambiguous."""
        return f"{self.exchange_id}.{self.instrument_id}"


class Login(msgspec.Struct):
    """The answer to a login."""

    token: str
    user_id: str
    account_ids: list[str]


frame_decode = msgspec.json.Decoder(Frame).decode
