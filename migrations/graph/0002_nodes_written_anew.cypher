// Nodes tell when each source saw them, and hold fields that an older hub did not know: a graph of no epoch is rebuilt.
MATCH (n:Projection {name: 'graph'}) REMOVE n.epoch;
