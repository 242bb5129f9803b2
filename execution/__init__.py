"""How documents are run against the schema: faster than graphql-core, and with the same bytes.

graphql-core decides anew about every field of every row, which is most of what a page costs. Here
a valid document's plain selections are worked out once (``plans``); the executor fills in by them
what it can and leaves everything else to graphql-core, and so do the renderings of what followers
are sent. What may be filled in plainly is said by the schema, where a field is declared.
``tests/execution`` runs the whole schema both ways and compares every byte.
"""
