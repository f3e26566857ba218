"""Dates of the venue, the same in every language.
Found by Django (FORMAT_MODULE_PATH)."""
