"""However deep a query reaches, the graph is asked once."""

from tests.schema.conftest import Run
from tests.schema.hub import Hub
from tests.schema.test_nearest_in_the_graph import Counted


def test_six_relations_deep_is_one_statement(hub: Hub, run: Run) -> None:
    store = Counted(hub)
    document = """query ($id: ID!) { place(id: $id) { partOf { parts { nodes { assets { nodes {
      place { partOf { parts { nodes { name } } } } } } } } } } }"""
    result = run(hub.execute(document, services={"store": store}, id=hub.ids["east"]))
    assert not result.errors
    parts = result.data["place"]["partOf"]["parts"]["nodes"]
    places = [asset["place"]["partOf"]["parts"]["nodes"] for part in parts for asset in part["assets"]["nodes"]]
    assert places and all({"name": "East"} in each for each in places)
    assert store.statements == 1
