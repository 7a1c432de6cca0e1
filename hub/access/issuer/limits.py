"""How often one may try: failures by account and by address, and a wait that doubles with each more."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from hub.errors import CausewayError, Code

_REMEMBERED = 10_000  # keys; past it the one that failed longest ago is forgotten
_FORGOTTEN_AFTER = 3600  # seconds without a failure


class TooManyAttempts(CausewayError):
    """`wait` is in seconds."""

    code = Code.RATE_LIMITED
    retry = True

    def __init__(self, wait: int) -> None:
        super().__init__(f"too many attempts: wait {wait} s")
        self.wait = wait


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last: int = 0
    until: int = 0


class Attempts:
    """`free` failures cost nothing; then one waits 1 s, 2 s, 4 s … up to `longest`. Of an account the longest wait is
    short: whoever knows its name could else lock its owner out."""

    def __init__(self, *, free: int, longest: int) -> None:
        self._free = free
        self._longest = longest
        self._lock = Lock()
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def check(self, key: str, now: int) -> None:
        """Raises TooManyAttempts; `now` in seconds."""
        with self._lock:
            known = self._failures.get(key)
            if known is not None and known.until > now:
                raise TooManyAttempts(known.until - now)

    def failed(self, key: str, now: int) -> None:
        with self._lock:
            known = self._failures.pop(key, None)
            if known is None or known.last + _FORGOTTEN_AFTER < now:
                known = _Failures()
            known.count += 1
            known.last = now
            if known.count >= self._free:
                known.until = now + min(1 << min(known.count - self._free, 20), self._longest)
            self._failures[key] = known
            if len(self._failures) > _REMEMBERED:
                self._failures.popitem(last=False)

    def succeeded(self, key: str) -> None:
        with self._lock:
            self._failures.pop(key, None)
