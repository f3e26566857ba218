"""REST of money in and out (rows 13 and 14 of the reference's Part 4) and the operator's decisions.
Included by exchange/urls.py."""
