"""Does everything say the same? The journal replayed against PostgreSQL's rows, the ledger and live state.
Called by `manage.py reconcile`, by the end of the day's check and by tests."""

from exchange.reconcile.findings import Difference, Finding, Report
from exchange.reconcile.run import reconcile

__all__ = ["Difference", "Finding", "Report", "reconcile"]
