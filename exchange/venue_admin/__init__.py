"""The operator's console: the front page, and what the admin of the whole venue is put together from.
Called by exchange/admin.py."""
