"""A breaking change needs a deprecation first."""

import pytest

from schema.compatibility import broken

RELEASED = """
type Query { place(id: ID!, floor: Int @deprecated(reason: "use storey"), storey: Int): Place, old: Old @deprecated }
type Place { id: ID!, name: String, nick: String @deprecated(reason: "use name"), kind: Kind }
type Old { id: ID! }
enum Kind { ROOM HALL @deprecated(reason: "a room") }
"""


def changed(old: str, new: str) -> list[str]:
    assert RELEASED.count(old) == 1
    return broken(RELEASED, RELEASED.replace(old, new))


def test_what_is_released_breaks_nothing() -> None:
    assert broken(RELEASED, RELEASED) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('nick: String @deprecated(reason: "use name"), ', ""),
        (', floor: Int @deprecated(reason: "use storey")', ""),
        (' HALL @deprecated(reason: "a room")', ""),
        ("name: String", "name: String!"),
        ("ROOM", "ROOM YARD"),
        ("storey: Int", "storey: Int, wing: String"),
    ],
)
def test_what_was_announced_or_only_adds_is_allowed(old: str, new: str) -> None:
    assert changed(old, new) == []


def test_a_type_goes_with_the_last_field_that_led_to_it() -> None:
    without = RELEASED.replace(", old: Old @deprecated", "").replace("type Old { id: ID! }", "")
    assert broken(RELEASED, without) == []


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("name: String, ", "", "Place.name"),
        ("ROOM ", "", "ROOM"),
        (", storey: Int", "", "storey"),
        ("storey: Int", "storey: Int!", "storey"),
        ("name: String", "name: Int", "Place.name"),
        ("storey: Int", "storey: Int, wing: String!", "wing"),
    ],
)
def test_what_was_not_announced_is_named(old: str, new: str, named: str) -> None:
    (sentence,) = changed(old, new)
    assert named in sentence
