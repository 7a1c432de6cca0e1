"""What an operator's commands see and say of matches: what may be one thing, and that it is or is not."""

from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import uuid4

from hub.control import Line
from hub.entering import operator
from hub.errors import BadRequest
from hub.journal.decisions import Decisions, Word
from hub.journal.encoding import SEALED
from hub.journal.log import Journal
from hub.journal.match import OpenMatch
from hub.journal.records import HeldClaim

PAGE = 200


async def listing(journal: Journal) -> AsyncIterator[Line]:
    """Every open match, the oldest first, each side by what its sources call it."""
    rows, after = list[Mapping[str, object]](), ""
    while page := await journal.open_matches(after, PAGE):
        claims = await journal.claims_of([id_ for each in page for id_ in (each.left, each.right)])
        rows += [_row(each, claims) for each in page]
        after = page[-1].id
    yield {"result": {"rows": rows}}


async def deciding(journal: Journal, arguments: Mapping[str, object]) -> AsyncIterator[Line]:
    """`accept` or refuse the match `id`. Raises NotFound, Conflict, Refused."""
    match_id, reason = arguments.get("id"), arguments.get("reason")
    if not isinstance(match_id, str):
        raise BadRequest("name a match by its id: causeway matches list shows them")
    word = Word(actor=operator(), key=str(uuid4()), reason=str(reason) if reason else None)
    decisions = Decisions(journal)
    if arguments.get("accept"):
        done = await decisions.accept(match_id, word, wide=bool(arguments.get("wide")))
    else:
        done = await decisions.refuse(match_id, word)
    yield {"result": {"match": match_id, "sequence": done.seq}}


def _row(match: OpenMatch, claims: Mapping[str, Sequence[HeldClaim]]) -> Mapping[str, object]:
    return {
        "id": match.id,
        "reason": match.reason,
        "evidence": ", ".join(each["scheme"] for each in match.evidence),
        "left": _side(match.left_kind, claims[match.left]),
        "right": _side(match.right_kind, claims[match.right]),
        "proposed_at": match.proposed_at,
    }


def _side(kind: str, claims: Sequence[HeldClaim]) -> str:
    names = [str(held.claim.values.get("name") or "") for held in claims]
    shown = next((name for name in names if name and not name.startswith(SEALED)), "")
    return " ".join([kind, shown, f"({', '.join(f'{held.source}: {held.claim.external_id}' for held in claims)})"])
