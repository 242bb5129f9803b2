"""Read receipts."""

from migrations.plain import plain_sql

revision = "0015"
down_revision = "0014"

upgrade, downgrade = plain_sql("0015_receipts")
