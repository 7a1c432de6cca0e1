"""The few things in which Neo4j and the embedded ArcadeDB differ; the Cypher itself is one text for both.

What does not differ is by choice: times are stored as ISO text of UTC (no native temporal reaches the driver),
keys are our own `id`, subqueries are written `CALL (x) { … }`, labels in a pattern are written out, and full text
is a property of our own making.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One engine's ways.

    `labels_in_merge`: `MERGE (n:Asset:Sensor {id: …})` looks up by one label's index; where not, the second label is
    set after the MERGE. `text_index`: a text index serves CONTAINS; where not, it only costs at each write.
    """

    name: str
    labels_in_merge: bool
    text_index: bool


NEO4J = Dialect(name="neo4j", labels_in_merge=True, text_index=True)
ARCADEDB = Dialect(name="arcadedb", labels_in_merge=False, text_index=False)


def of_server(agent: str) -> Dialect:
    """By what the server calls itself, such as `Neo4j/5.26.12` or `Neo4j/5.26.0 compatible (ArcadeDB 26.10.2)`."""
    return ARCADEDB if "ArcadeDB" in agent else NEO4J
