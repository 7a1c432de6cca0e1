"""What all entities share: an id by which they are found again."""

import strawberry


@strawberry.interface(description="Anything with an id of its own, found again by `node(id:)`.")
class Node:
    id: strawberry.ID = strawberry.field(description="Its id for ever; plain text.")
