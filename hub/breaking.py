"""The sealed form of break-glass, for who stands at the hub's machine: codes for envelopes, and the use of one."""

from collections.abc import AsyncIterator, Mapping

from hub.access.break_glass.desk import Asked
from hub.access.break_glass.sealed import Sealed
from hub.control import Line
from hub.entering import operator
from hub.errors import BadRequest

NOT_RUNNING = (
    "this needs a running hub that trusts an [[issuer]] or has [accounts]: start it with causeway serve. "
    "A hub without tokens has nothing closed to open"
)


async def making_codes(sealed: Sealed | None, arguments: Mapping[str, object]) -> AsyncIterator[Line]:
    """`count` of them, shown this once."""
    count = arguments.get("count")
    if sealed is None:
        raise BadRequest(NOT_RUNNING)
    if not isinstance(count, int):
        raise BadRequest("say how many codes to make")
    yield {"progress": "making them; each takes a moment …"}
    codes = await sealed.make_codes(count, operator())
    yield {"result": {"rows": [{"code": code} for code in codes], "codes": len(codes)}}


async def opening(sealed: Sealed | None, arguments: Mapping[str, object]) -> AsyncIterator[Line]:
    """With a `code`, a `reason`, a `case` and `minutes`: a token that is good until then."""
    if sealed is None:
        raise BadRequest(NOT_RUNNING)
    minutes = arguments.get("minutes")
    if not isinstance(minutes, int):
        raise BadRequest("say for how many minutes")
    asked = Asked(reason=str(arguments.get("reason") or ""), minutes=minutes, case=str(arguments.get("case") or ""))
    glass, token = await sealed.open(str(arguments.get("code") or ""), asked, operator())
    yield {"result": {"id": glass.id, "until": glass.until, "roles": ", ".join(glass.roles), "token": token}}
