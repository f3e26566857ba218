"""Settings of `make up`: secrets are generated once into the data folder.
Used by every process the supervisor starts and by manage.py beside them."""

from exchange.settings.base import *  # noqa: F403
from exchange.settings.base import DATA_DIR, JWT_SIGNING_KEY, SECRET_KEY
from exchange.stack.locate import secrets_read

_secrets = secrets_read(DATA_DIR)
SECRET_KEY = SECRET_KEY or _secrets["secret_key"]
JWT_SIGNING_KEY = JWT_SIGNING_KEY or _secrets["jwt_key"]
# Play money: what `init_cash` may ask for, in whole units of the account's currency.
OUTCRY_INIT_CASH_MAX = 10_000_000
OUTCRY_DEPOSIT_AUTO_MAX = 10_000_000
OUTCRY_WITHDRAW_AUTO_MAX = 10_000_000
OUTCRY_WITHDRAW_PASSWORD = False
