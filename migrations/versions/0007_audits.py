"""Who looked into what is private, by power alone."""

from migrations.plain import plain_sql

revision = "0007"
down_revision = "0006"

upgrade, downgrade = plain_sql("0007_audits")
