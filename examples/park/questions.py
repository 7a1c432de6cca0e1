"""What the demo asks of the hub, in GraphQL's own text."""

LATEST = (
    '{ assets(filter: {kind: [SENSOR], search: "east"}, first: 20)'
    " { nodes { name sensor { latest { quantity value unit at } } } } }"
)
ACKNOWLEDGE = """mutation Acknowledge($id: ID!, $key: String!) {
  acknowledgeAlert(id: $id, note: "guard sent to look", idempotencyKey: $key) { __typename }
}"""
COUNTS = """{ buildings: places(filter: {kind: [BUILDING]}) { totalCount } organizations { totalCount }
  people { totalCount } assets { totalCount } supplyLots { totalCount } }"""
BUILDING = """query Building($search: String!) {
  places(filter: {kind: [BUILDING], search: $search}, first: 1) { nodes { id name } } }"""
FIVE = """query Five($id: ID!) { place(id: $id) { name
  cameras: assets(below: true, filter: {kind: [CAMERA]}, first: 50) { totalCount
    nodes { name online provenance { source observedAt stale } } }
  sensors: assets(below: true, filter: {kind: [SENSOR]}, first: 50) { totalCount
    nodes { name deviceType provenance { source observedAt stale } } }
  lots(below: true, first: 50) { totalCount
    nodes { name quantity unit holder { name } provenance { source observedAt stale } } }
  peopleOnDuty(first: 50) { totalCount nodes { role person { name } provenance { source observedAt stale } } }
  warnings(first: 50) { totalCount nodes { headline senderName colour provenance { source observedAt stale } } }
} }"""
SUPPLIES = """query Nearest($place: ID!) {
  nearestSupplies(place: $place, item: "SAMPLE-201", quantity: 200) {
    found shortfall unit picks { name metres minutes quantity } } }"""
PEOPLE = """query Nearest($place: ID!) {
  nearestPeople(place: $place, skill: "first_aid", count: 2) { shortfall picks { metres minutes } } }"""
WARNINGS = "{ warnings(first: 5) { nodes { id identifier headline acknowledgedBy } } }"
ACKNOWLEDGE_WARNING = """mutation Acknowledge($id: ID!, $key: String!) {
  acknowledgeWarning(id: $id, idempotencyKey: $key) { __typename }
}"""
STALE = "{ sources { id state stale text } }"
PASTE = """\
1. One building and the five kinds that it holds, each with its source:
   { places(filter: {kind: [BUILDING], search: "汽配"}, first: 1) { nodes { name
       assets(below: true, filter: {kind: [CAMERA]}, first: 3) { nodes { name online } }
       lots(below: true, first: 3) { nodes { name quantity unit provenance { source stale } } }
       peopleOnDuty(first: 3) { nodes { role person { name } } }
       warnings { nodes { headline senderName } } } } }
2. Open alerts, and the cursor at which a subscription goes on:
   { alerts(first: 10) { readAt nodes { severity code openedAt subject { name } } } }
3. Live:
   subscription { alerts { cursor type alert { severity code value unit subject { name } placePath { name } } } }"""
