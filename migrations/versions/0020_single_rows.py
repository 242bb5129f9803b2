"""Policies for single rows."""

from migrations.plain import plain_sql

revision = "0020"
down_revision = "0019"

upgrade, downgrade = plain_sql("0020_single_rows")
