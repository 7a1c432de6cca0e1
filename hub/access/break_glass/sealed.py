"""The sealed form, for when the issuer is down: codes on paper in sealed envelopes, each good for one break-glass that
is opened on the hub's own machine. It gives a token of the hub's own, which dies with the break-glass or with the hub.
"""

import asyncio
import hashlib
import secrets
from dataclasses import replace
from datetime import timedelta

from hub.access.authority import Authority, Credentials
from hub.access.break_glass.desk import Asked, BreakGlasses, check
from hub.access.break_glass.events import SEALED, BreakGlass, SealedCode
from hub.access.issuer.passwords import Passwords
from hub.clock import Clock
from hub.errors import BadRequest, Forbidden, Unauthenticated
from hub.journal.ids import uuid7
from hub.telemetry import logger
from hub.viewer import Viewer

PREFIX = "cwbg_"
MOST_CODES = 100
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: nothing that is mistaken on paper
_GROUPS, _LETTERS = 4, 5  # 100 bits
_PAUSE = 1.0  # seconds after a wrong code
_log = logger(__name__)


class Sealed:
    """An Authority before another one: its own tokens, made by `open`, and all others by `behind`. `roles` and
    `purpose` are what a sealed code opens with."""

    def __init__(
        self, glasses: BreakGlasses, clock: Clock, behind: Authority, *, roles: frozenset[str], purpose: str
    ) -> None:
        self._glasses = glasses
        self._clock = clock
        self._behind = behind
        self._roles = roles
        self._purpose = purpose
        self._passwords = Passwords()
        self._viewers: dict[str, Viewer] = {}  # SHA-256 of a token
        self._turn = asyncio.Lock()  # one guess at a time

    async def make_codes(self, count: int, actor: str) -> list[str]:
        """New ones, to be printed and sealed; all earlier ones are void. Raises BadRequest."""
        if not 1 <= count <= MOST_CODES:
            raise BadRequest(f"make 1 to {MOST_CODES} codes, not {count}")
        made = {f"{number:02d}": _code() for number in range(1, count + 1)}
        hashes = await asyncio.to_thread(lambda: {id_: self._passwords.hash(code) for id_, code in made.items()})
        await self._glasses.replace_codes([SealedCode(id=id_, hash=hash_) for id_, hash_ in hashes.items()], actor)
        _log.warning("break_glass.codes_made", count=count, by=actor)
        return [f"{id_}-{code}" for id_, code in made.items()]

    async def open(self, code: str, asked: Asked, actor: str) -> tuple[BreakGlass, str]:
        """The break-glass, and the token that it is used with. Raises BadRequest, Forbidden."""
        check(asked, self._glasses.limits)
        id_, _, secret = code.strip().upper().partition("-")
        async with self._turn:
            await self._glasses.refresh()
            stored = next((each.hash for each in self._glasses.codes if each.id == id_), None)
            if not await asyncio.to_thread(self._passwords.holds, stored, secret):
                _log.warning("break_glass.wrong_code", by=actor)
                await asyncio.sleep(_PAUSE)
                raise Forbidden("this code is wrong, used or void")
            now = self._clock()
            viewer = Viewer(subject=f"sealed-{id_}", issuer=SEALED, roles=self._roles, purpose=self._purpose)
            glass = BreakGlass(
                id=uuid7(now),
                subject=viewer.subject,
                issuer=SEALED,
                client=actor,
                roles=tuple(sorted(self._roles)),
                organization=None,
                purpose=self._purpose,
                reason=asked.reason.strip(),
                incident=asked.incident,
                case=asked.case,
                opened_at=now,
                until=now + timedelta(minutes=asked.minutes),
                code=id_,
            )
            await self._glasses.store(glass, actor)
        token = PREFIX + secrets.token_urlsafe(32)
        self._viewers = {kept: each for kept, each in self._viewers.items() if self._stands(each)}
        self._viewers[_hash(token)] = replace(viewer, expires_at=glass.until, token=glass.id)
        return glass, token

    async def viewer(self, credentials: Credentials) -> Viewer:
        scheme, _, token = (credentials.authorization or "").strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip().startswith(PREFIX):
            return await self._behind.viewer(credentials)
        viewer = self._viewers.get(_hash(token.strip()))
        if viewer is None or not self._stands(viewer):
            raise Unauthenticated("The break-glass that this token came with is over.")
        if credentials.purpose not in (None, viewer.purpose):
            raise Forbidden(f"This token is for the purpose {viewer.purpose}.")
        return viewer

    async def holds(self, viewer: Viewer) -> bool:
        return self._stands(viewer) if viewer.issuer == SEALED else await self._behind.holds(viewer)

    def _stands(self, viewer: Viewer) -> bool:
        glass = self._glasses.get(viewer.token or "")
        return glass is not None and glass.holds(self._clock())


def _code() -> str:
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS)) for _ in range(_GROUPS))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
