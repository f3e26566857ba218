"""REST of users, sessions and trading accounts (rows 2–12 of the reference's Part 4).
Included by exchange/urls.py."""
