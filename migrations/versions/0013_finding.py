"""Search under row-level security."""

from migrations.plain import plain_sql

revision = "0013"
down_revision = "0012"

upgrade, downgrade = plain_sql("0013_finding")
