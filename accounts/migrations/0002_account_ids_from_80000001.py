"""Trading account ids begin at 80000001, so that nobody mistakes one for a user id."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE accounts_tradingaccount ALTER COLUMN id RESTART WITH 80000001",
            reverse_sql=migrations.RunSQL.noop,
        ),
    ]
