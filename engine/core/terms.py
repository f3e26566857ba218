"""The market's words as small integers: sides, offsets, order types, phases, units.
Used by the core and by the one codec; DESIGN.md §9 is the glossary."""

from typing import Final

# Side. The sign lets both sides of a book share one path: key = price × side, best is largest.
BUY: Final = 1
SELL: Final = -1

# Offset
OPEN: Final = 0
CLOSE: Final = 1
CLOSETODAY: Final = 2

# Order type
LIMIT: Final = 0
MARKET: Final = 1

# Time in force
DAY: Final = 0
GTC: Final = 1
IOC: Final = 2
FOK: Final = 3

# Instrument kind, life and phase
FUTURES: Final = 0
SPOT: Final = 1

TRADING: Final = 0
SUSPENDED: Final = 1
DELISTED: Final = 2

CLOSED: Final = 0
CONTINUOUS: Final = 1
BREAK: Final = 2

# Product rules (trading-rules.md §1)
CLOSE_EXPLICIT: Final = 0  # SHFE, INE: CLOSE takes history lots, CLOSETODAY today's
CLOSE_FIFO: Final = 1  # oldest first
CLOSE_TODAY_FIRST: Final = 2

FEE_BY_LOT: Final = 0  # today's lots pay close-today, history lots close
FEE_TODAY_POOL: Final = 1  # CFFEX: min(lots, opened today and not yet charged) pay close-today

MATCH_MAKER: Final = 0
MATCH_MIDDLE: Final = 1

LARGER_OFF: Final = 0
LARGER_ON: Final = 1
LARGER_AT_SETTLEMENT: Final = 2

SETTLE_VWAP_DAY: Final = 0
SETTLE_VWAP_LAST_HOUR: Final = 1

# Money books of an account
BOOK_FUTURES: Final = 0
BOOK_SPOT: Final = 1

# Freeze levels of an account (bits)
FREEZE_TRADING: Final = 1
FREEZE_WITHDRAW: Final = 2

# Scopes a command may carry (bits); who may hold them is the web's business, what they allow is ours
SCOPE_READ: Final = 1
SCOPE_TRADE: Final = 2
SCOPE_TRANSFER: Final = 4
SCOPE_OPERATE: Final = 8
VENUE: Final = 0  # the actor of the venue's own commands

# How an order ended
FILLED: Final = 1
CANCELLED: Final = 2
EXPIRED: Final = 3
REJECTED: Final = 4
LIVE: Final = 0
UNKNOWN: Final = 5  # asked for by client order id, never seen: the id is claimed

# Units of the numbers in a refusal, so that the border can print them
UNIT_NONE: Final = 0
UNIT_TICKS: Final = 1  # of the named instrument
UNIT_LOTS: Final = 2  # of the named instrument
UNIT_MONEY: Final = 3  # smallest units of the named currency
UNIT_COUNT: Final = 4
UNIT_RATIO: Final = 5  # 10⁻⁹
UNIT_P4: Final = 6  # 1/10,000 of the quote unit

# Steps of the day, in their order (trading-rules.md §8)
STEP_OPEN: Final = 0
STEP_CLOSED: Final = 1
STEP_EXPIRED: Final = 2
STEP_SETTLED: Final = 3
STEP_RATED: Final = 4
STEP_REVALIDATED: Final = 5
STEP_CHECKED: Final = 6

# Cash movements
CASH_INIT: Final = 0
CASH_DEPOSIT: Final = 1
CASH_WITHDRAW_PENDING: Final = 2
CASH_WITHDRAW_DONE: Final = 3
CASH_WITHDRAW_REFUSED: Final = 4
CASH_TRANSFER_OUT: Final = 5
CASH_TRANSFER_IN: Final = 6

# Bounds: nothing a client sends may reach 2³¹, so that no product of two passes 62 bits
PRICE_MAX: Final = 2**31 - 1
VOLUME_MAX: Final = 2**31 - 1
MONEY_MAX: Final = 2**62
RATIO_ONE: Final = 10**9
P4: Final = 10**4
CLIENT_ORDER_ID_LENGTH: Final = 128
REQUEST_ID_LENGTH: Final = 64
INSTRUMENT_ID_LENGTH: Final = 40
ID_MAX: Final = 2**63 - 1  # account and user ids
DAY_MAX: Final = 99_991_231  # YYYYMMDD
ACCOUNTS_MAX: Final = 1_000_000
INSTRUMENTS_MAX: Final = 10_000
CHUNK: Final = 500  # accounts or orders a step of a long job may touch

# Decimal places of each currency's smallest unit
CURRENCY_SCALES: Final[dict[str, int]] = {"CNY": 4, "USDT": 6, "USDC": 6, "BTC": 8, "ETH": 9, "SOL": 9}
