MATCH (l:Alert) WHERE l.opened_at < $before AND l.state IN ['UNACKNOWLEDGED', 'ACKNOWLEDGED']
WITH l ORDER BY l.opened_at DESC, l.id DESC LIMIT 50
OPTIONAL MATCH (l)-[:CONCERNS]->(a:Asset)
OPTIONAL MATCH (l)-[:AT]->(z:Place)
OPTIONAL MATCH (z)-[:PART_OF]->(b:Place)
WITH l, a, z, b ORDER BY l.opened_at DESC, l.id DESC
RETURN collect([l.id, l.rule, l.severity, l.state, l.opened_at, [a.id, a.kind, a.name],
                [z.id, z.name, [b.id, b.name]]]) AS alerts
