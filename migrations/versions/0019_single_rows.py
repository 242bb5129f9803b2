"""Policies for single rows."""

from migrations.plain import plain_sql

revision = "0019"
down_revision = "0018"

upgrade, downgrade = plain_sql("0019_single_rows")
