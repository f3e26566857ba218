"""The clearing house's rows: the projected ledger and closed days (settlement/ledger.py).
Called by Django; requests for money in and out belong here too."""

from settlement.ledger import DailyAccount, LedgerEntry

__all__ = ["DailyAccount", "LedgerEntry"]
