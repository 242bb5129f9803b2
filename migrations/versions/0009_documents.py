"""Documents that clients name by their hash."""

from migrations.plain import plain_sql

revision = "0009"
down_revision = "0008"

upgrade, downgrade = plain_sql("0009_documents")
