"""Formats by language.
Found by Django (FORMAT_MODULE_PATH)."""
