"""XML that strangers send, read without harm: no entity, no document type from elsewhere, no network, bounded depth.

Names are matched without their namespace, since devices of one maker use several for the same thing.
"""

from collections.abc import Iterator

from lxml import etree

from adapters.contract import Unreadable

Element = etree._Element

MOST = 16 << 20
"""Bytes of one document; a longer one is refused unread."""


def parse(data: bytes, *, most: int = MOST) -> Element:
    """The document's root. Raises Unreadable: too long, not well-formed, or with entities of its own."""
    if len(data) > most:
        raise Unreadable(f"a document of {len(data)} bytes is past the limit of {most}")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        said = str(getattr(error, "msg", None) or error) or "it is empty"
        raise Unreadable(f"not well-formed XML: {said}", where=f"line {line}" if line else "") from error
    declared = root.getroottree().docinfo.internalDTD
    if declared is not None and any(True for _ in declared.iterentities()):  # type: ignore[union-attr]  # stubs lack it
        # A bomb grows by them, and an external one reads this machine's files.
        raise Unreadable("the document declares entities, which no message needs: it is refused")
    return root


def name(element: Element) -> str:
    """The element's name without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def children(element: Element, *names: str) -> Iterator[Element]:
    """The child elements of these names; all where none is given."""
    for child in element:
        if isinstance(child.tag, str) and (not names or name(child) in names):
            yield child


def find(element: Element | None, *path: str) -> Element | None:
    """The first element at the end of a path of names."""
    for step in path:
        if element is None:
            return None
        element = next(children(element, step), None)
    return element


def first(element: Element, wanted: str) -> Element | None:
    """The first descendant of that name, wherever it stands."""
    return next((one for one in element.iter() if isinstance(one.tag, str) and name(one) == wanted), None)


def text(element: Element | None, *path: str) -> str | None:
    """The trimmed text at the end of a path of names; None where it is empty or not there."""
    found = find(element, *path)
    if found is None or found.text is None:
        return None
    return found.text.strip() or None
