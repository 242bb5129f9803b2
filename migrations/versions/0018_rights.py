"""The rights of each role, column by column."""

from migrations.plain import plain_sql

revision = "0018"
down_revision = "0017"

upgrade, downgrade = plain_sql("0018_rights")
