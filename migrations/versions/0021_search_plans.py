"""How searches are planned."""

from migrations.plain import plain_sql

revision = "0021"
down_revision = "0020"

upgrade, downgrade = plain_sql("0021_search_plans")
