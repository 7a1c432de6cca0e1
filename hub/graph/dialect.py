"""The few things in which Neo4j and the embedded ArcadeDB differ; the Cypher itself is one text for both.

What does not differ is by choice: times are stored as ISO text of UTC (no native temporal reaches the driver), keys
are our own `id` and never `elementId`, subqueries are written `CALL (x) { … }`, full text is a property of our own
making, and a node is made by CREATE with all its labels: ArcadeDB scans for `MERGE (n:A:B {…})`, and refuses a new
label on a node with a unique key that the same transaction has made.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One engine's ways. `text_index`: a text index serves CONTAINS; where not, it only costs at each write."""

    name: str
    text_index: bool


NEO4J = Dialect(name="neo4j", text_index=True)
ARCADEDB = Dialect(name="arcadedb", text_index=False)


def of_server(agent: str) -> Dialect:
    """By what the server calls itself, such as `Neo4j/5.26.12` or `Neo4j/5.26.0 compatible (ArcadeDB 26.10.2)`."""
    return ARCADEDB if "ArcadeDB" in agent else NEO4J
