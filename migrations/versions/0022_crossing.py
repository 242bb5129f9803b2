"""What no statement does across channels, or without a viewer."""

from migrations.plain import plain_sql

revision = "0022"
down_revision = "0021"

upgrade, downgrade = plain_sql("0022_crossing")
