"""Row-level security, and the roles it is for."""

from migrations.plain import plain_sql

revision = "0011"
down_revision = "0010"

upgrade, downgrade = plain_sql("0011_row_security")
