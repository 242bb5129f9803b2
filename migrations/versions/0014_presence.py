"""Who may see who is there."""

from migrations.plain import plain_sql

revision = "0014"
down_revision = "0013"

upgrade, downgrade = plain_sql("0014_presence")
