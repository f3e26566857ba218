"""The access rows of the pages. They know their visitor by a cookie, not by a token: who may see what there is
proved by tests/app/test_pages_show_only_ones_own.py, so here they only have their rows.
Found by tests/support/matrix."""

from tests.support.matrix import Row

ROWS = [
    Row("GET", "", public=True),
    Row("GET", "login", public=True),
    Row("POST", "login", public=True),
    Row("GET", "register", public=True),
    Row("POST", "register", public=True),
    Row("POST", "logout", public=True),
    Row("POST", "session/token", public=True),
    Row("GET", "pages/accounts", public=True),
    Row("POST", "pages/accounts", public=True),
    Row("GET", "pages/instruments", public=True),
    Row("GET", "pages/cash/{account_id}", public=True),
    Row("POST", "pages/cash/{account_id}", public=True),
    Row("GET", "styleguide", public=True),
    Row("GET", "i18n/setlang/", public=True),
]
