"""Who may see who is there."""

from migrations.plain import plain_sql

revision = "0013"
down_revision = "0012"

upgrade, downgrade = plain_sql("0013_presence")
