UNWIND $ids AS id
MATCH (b:Place {id: id})
CALL (b) {
  MATCH (z:Place)-[:PART_OF]->(b)
  CALL (z) {
    MATCH (a:Asset)-[:LOCATED_IN]->(z)
    CALL (a) {
      MATCH (l:Alert)-[:CONCERNS]->(a) WHERE l.state IN ['UNACKNOWLEDGED', 'ACKNOWLEDGED']
      WITH l ORDER BY l.opened_at DESC, l.id DESC
      RETURN collect([l.id, l.severity, l.opened_at]) AS alerts
    }
    WITH a, alerts ORDER BY a.id
    RETURN collect([a.id, a.name, alerts]) AS assets
  }
  WITH z, assets ORDER BY z.id
  RETURN collect([z.id, z.name, assets]) AS zones
}
WITH b, zones ORDER BY b.id
RETURN collect([b.id, b.name, zones]) AS buildings
