"""What happens beside answers: logins, tokens, accounts, break-glasses, refusals. Each is a row of the audit; refusals,
which anyone can cause, are counted first, so that a flood of them is a few rows."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Mapping
from datetime import date, datetime

import orjson

from hub.access.audit.audit import Audit
from hub.access.audit.record import who, without_nothing
from hub.access.authority import Authority, Credentials
from hub.errors import Forbidden, IssuerUnavailable, Unauthenticated
from hub.viewer import Viewer

About = Mapping[str, str | None]
"""What is said of it: ids, addresses, reasons. Never a secret, a name that was typed, or a personal value."""

COUNTED = frozenset({"refused", "login.refused", "token.refused"})
"""Nobody has to be known to cause these."""
WINDOW = 60.0  # seconds in which refusals of a kind are one row
TOLD_APART = 20  # kinds of refusals in a window; the rest is one row
DAILY = 5_000  # rows of refusals in a day; past it a window is one row
_OTHERS = ("refused", (("about", "others"),))
_LONGEST = 200  # characters
_REMEMBERED = 10_000  # tokens

_Kind = tuple[str, tuple[tuple[str, str], ...]]


class Happening:
    """One of them, as the audit's writer takes it. `times`: how often it happened since the last such row."""

    __slots__ = ("_said", "at", "deliveries", "missed", "personal", "subjects")

    def __init__(
        self, name: str, *, at: datetime, viewer: Viewer | None = None, about: About | None = None, times: int = 1
    ) -> None:
        self.at = at
        self.deliveries = 1
        self.missed = 0
        self.personal = False
        self.subjects: set[str] = set()
        self._said: dict[str, object] = {
            "event": name,
            "viewer": None if viewer is None else who(viewer),
            "about": without_nothing({key: value and value[:_LONGEST] for key, value in (about or {}).items()}),
            "times": times if times != 1 else None,
        }

    def body(self) -> bytes:
        return orjson.dumps(without_nothing(self._said | {"missed": self.missed or None}))


class Happenings:
    """`tell` from any thread; `run` beside the hub's tasks."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._loop = asyncio.get_running_loop()
        self._refusals: Counter[_Kind] = Counter()
        self._day: date | None = None
        self._rows = 0  # of refusals, on that day
        self._known: OrderedDict[tuple[str | None, str | None], None] = OrderedDict()

    def tell(self, name: str, about: About, viewer: Viewer | None = None) -> None:
        """Returns at once; it is written soon, a refusal within WINDOW."""
        self._loop.call_soon_threadsafe(self._take, name, about, viewer)

    def refused(self, code: str, about: About, viewer: Viewer | None = None) -> None:
        given = {"code": code, **about}
        if viewer is not None:
            given |= {"subject": viewer.subject, "issuer": viewer.issuer, "client": viewer.client}
        self.tell("refused", given)

    def used(self, viewer: Viewer, address: str) -> None:
        """Each token once: the only sign of a login at an issuer elsewhere."""
        key = viewer.issuer, viewer.token
        if viewer.token is None or key in self._known:
            return
        self._known[key] = None
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        self.tell("token.first_used", {"token": viewer.token, "address": address}, viewer)

    async def run(self) -> None:
        """Writes what was counted, every WINDOW, until it is cancelled, and then what is left."""
        try:
            while True:
                await asyncio.sleep(WINDOW)
                self.flush()
        finally:
            self.flush()

    def flush(self) -> None:
        counted, self._refusals = self._refusals, Counter()
        at = self._audit.clock()
        if self._day != at.date():
            self._day, self._rows = at.date(), 0
        if self._rows >= DAILY and counted:
            counted = Counter({_OTHERS: counted.total()})
        self._rows += len(counted)
        for (name, about), times in counted.items():
            self._audit.offer(Happening(name, at=at, about=dict(about), times=times))

    def _take(self, name: str, about: About, viewer: Viewer | None) -> None:
        if name not in COUNTED:
            self._audit.offer(Happening(name, at=self._audit.clock(), viewer=viewer, about=about))
            return
        said = tuple(sorted((key, value[:_LONGEST]) for key, value in about.items() if value))
        kind = (name, said)
        is_new = kind not in self._refusals and len(self._refusals) >= TOLD_APART
        self._refusals[_OTHERS if is_new else kind] += 1


class Noting:
    """An authority whose refusals, and whose tokens' first use, are in the audit."""

    def __init__(self, behind: Authority, happenings: Happenings) -> None:
        self._behind = behind
        self._happenings = happenings

    async def viewer(self, credentials: Credentials) -> Viewer:
        try:
            viewer = await self._behind.viewer(credentials)
        except IssuerUnavailable:
            raise
        except (Unauthenticated, Forbidden) as error:
            given = "without a token" if credentials.authorization is None else error.message
            self._happenings.refused(error.code, {"address": credentials.address, "why": given})
            raise
        self._happenings.used(viewer, credentials.address)
        return viewer

    async def holds(self, viewer: Viewer) -> bool:
        return await self._behind.holds(viewer)
