"""Row-level security, and the roles it is for."""

from migrations.plain import plain_sql

revision = "0012"
down_revision = "0011"

upgrade, downgrade = plain_sql("0012_row_security")
