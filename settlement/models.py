"""The clearing house's rows: the projected ledger and closed days, and requests for money in and out.
Called by Django; each lives in a module of its own (settlement/ledger.py, settlement/cash.py)."""

from settlement.cash import CashRequest
from settlement.ledger import DailyAccount, LedgerEntry

__all__ = ["CashRequest", "DailyAccount", "LedgerEntry"]
