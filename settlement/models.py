"""The clearing house's rows: the projected ledger and closed days, requests for money in and out, runs of the day.
Called by Django; each lives in a module of its own (settlement/ledger.py, settlement/cash.py, settlement/run.py)."""

from settlement.cash import CashRequest
from settlement.ledger import DailyAccount, LedgerEntry
from settlement.run import SettlementRun

__all__ = ["CashRequest", "DailyAccount", "LedgerEntry", "SettlementRun"]
