"""Search: the words of each message, and the indexes that find them."""

from migrations.plain import plain_sql

revision = "0011"
down_revision = "0010"

upgrade, downgrade = plain_sql("0011_search")
