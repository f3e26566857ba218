"""The clearing house: money in and out, ledger, settlement.
Called by exchange/."""
