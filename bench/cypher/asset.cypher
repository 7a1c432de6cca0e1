MATCH (a:Asset {id: $id})
OPTIONAL MATCH (a)-[:LOCATED_IN]->(z:Place)
OPTIONAL MATCH (z)-[:PART_OF]->(b:Place)
RETURN [a.id, a.kind, a.name, a.manufacturer, a.model, a.serial_number, a.firmware, a.online,
        [z.id, z.kind, z.name, [b.id, b.kind, b.name]]] AS asset
