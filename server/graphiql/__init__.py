"""GraphiQL at /graphiql, from our own origin and nothing else."""

from server.graphiql.page import GraphiQL
from server.graphiql.tabs import DemoChannel, DemoPerson

__all__ = ["DemoChannel", "DemoPerson", "GraphiQL"]
