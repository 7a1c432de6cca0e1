"""The rule set as data: read from `rules.toml`, checked with errors that say what to do, recorded in the log.

The engine acts on the recorded set alone, from the sequence on at which it was recorded.
"""

import hashlib
import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from graph_models.entities import AssetKind, Severity
from hub.errors import SettingsError, nearest
from hub.journal.log import Journal
from hub.journal.records import HUB, Draft, Json, NewEvent
from hub.units import Quantity, duration
from hub.warning import words
from hub.warning.limits import Bounds, Direction
from hub.warning.silence import shortest

STREAM = "rules"
RESERVED = "official-warning"
_MICROSECOND = timedelta(microseconds=1)


def _duration(given: object) -> object:
    if isinstance(given, str) and not given.startswith("P"):  # ISO 8601 stands in the log
        return duration(given)
    return given


Delay = Annotated[timedelta, BeforeValidator(_duration), Field(ge=timedelta(0))]


class _Rule(BaseModel):
    """What every rule has. `basis` says where its figures come from; `verified` that they were confirmed there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    severity: Severity
    code: str
    basis: str = ""
    verified: bool = False


class _Selecting(_Rule):
    """A rule of assets; empty selectors take all."""

    assets: tuple[str, ...] = ()  # entity ids, or SOURCE/EXTERNAL-ID
    kinds: tuple[AssetKind, ...] = ()
    within: tuple[str, ...] = ()  # codes of places, whose subtrees are meant

    @property
    def selective(self) -> bool:
        return bool(self.assets or self.kinds or self.within)


class _Measuring(_Selecting):
    """A rule of a quantity."""

    quantity: str
    unit: str = ""  # UCUM; the quantity's own where it is left out


class LimitRule(_Measuring):
    """Opens when a value is at or past `limit` for `on_delay`, returns when it is `hysteresis` back for `off_delay`."""

    type: Literal["limit"] = "limit"
    direction: Direction
    limit: float = Field(allow_inf_nan=False)
    hysteresis: float = Field(default=0.0, ge=0, allow_inf_nan=False)
    on_delay: Delay = timedelta(0)
    off_delay: Delay = timedelta(0)

    def bounds(self) -> Bounds:
        return Bounds(
            self.direction,
            self.limit,
            self.hysteresis,
            self.on_delay // _MICROSECOND,
            self.off_delay // _MICROSECOND,
        )


class SilenceRule(_Measuring):
    """Opens when a sensor gave no reading for `after`, returns with the next one."""

    type: Literal["silence"] = "silence"
    after: Annotated[Delay, Field(gt=timedelta(0))]

    @property
    def after_micros(self) -> int:
        return self.after // _MICROSECOND


MOMENT = timedelta(seconds=60)
"""How long a signal without a state holds where its rule does not say."""


class SignalRule(_Selecting):
    """Opens with a device's own event, returns when the device says that it is over, or nothing came for
    `clear_after`."""

    type: Literal["signal"] = "signal"
    signals: tuple[str, ...] = Field(min_length=1)  # types, as the adapter's page names them
    clear_after: Annotated[Delay, Field(gt=timedelta(0))] | None = None


class SourceRule(_Rule):
    """Opens when a whole source is unavailable, returns when it recovers; meanwhile its sensors' silence waits."""

    type: Literal["source"] = "source"
    sources: tuple[str, ...] = ()  # all of them where it is empty

    def covers(self, source: str) -> bool:
        return not self.sources or source in self.sources


AnyRule = LimitRule | SilenceRule | SignalRule | SourceRule
Rule = Annotated[AnyRule, Field(discriminator="type")]
_RULES: TypeAdapter[tuple[AnyRule, ...]] = TypeAdapter(tuple[Rule, ...])
_SECTIONS: Mapping[str, type[_Rule]] = {
    "limit": LimitRule,
    "silence": SilenceRule,
    "signal": SignalRule,
    "source": SourceRule,
}


class RuleSet(BaseModel):
    """`digest` is the SHA-256 of the file, in hex."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str = ""
    rules: tuple[Rule, ...] = ()

    def recorded(self) -> Json:
        """The payload of `rules.replaced`."""
        return {"digest": self.digest, "rules": [rule.model_dump(mode="json") for rule in self.rules]}

    @classmethod
    def of(cls, data: Json) -> Self:
        """What `recorded` gave."""
        return cls(digest=str(data["digest"]), rules=_RULES.validate_python(data["rules"]))


def load(file: Path, quantities: Mapping[str, Quantity]) -> RuleSet:
    """Reads and checks the rule file; raises SettingsError with everything that is wrong in it."""
    try:
        data = file.read_bytes()
        given = tomllib.loads(data.decode("utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"{file}: no such file. Write one, or mend `rules` in the park file.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not TOML: {error}") from error
    rules: list[AnyRule] = []
    problems: list[str] = []
    for section, entries in given.items():
        if section not in _SECTIONS:
            problems.append(f"{section}: there is no such kind of rule; {nearest(section, list(_SECTIONS))}")
        elif not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            problems.append(f"{section}: write it as [[{section}]], once a rule")
        else:
            for number, entry in enumerate(entries):
                problems += _read(section, number, entry, quantities, rules)
    names = [rule.id for rule in rules]
    problems += [f"the id {name!r} stands twice" for name in sorted({n for n in names if names.count(n) > 1})]
    if problems:
        raise SettingsError("\n".join(f"{file}: {problem}" for problem in problems))
    return RuleSet(digest=hashlib.sha256(data).hexdigest(), rules=tuple(rules))


async def record(journal: Journal, rules: RuleSet, now: datetime) -> int | None:
    """Appends `rules.replaced` where the set differs from the last recorded one; its sequence, or None."""
    earlier = await journal.stream(STREAM)
    if earlier and earlier[-1].data["digest"] == rules.digest:
        return None
    event = NewEvent(
        type="rules.replaced", version=1, stream=STREAM, expected=len(earlier), data=rules.recorded(), actor=HUB
    )
    return (await journal.append(Draft(source=HUB, received_at=now, events=[event]))).seq


def _read(
    section: str,
    number: int,
    entry: Mapping[str, Any],
    quantities: Mapping[str, Quantity],
    rules: list[AnyRule],
) -> Iterator[str]:
    """Adds the entry to `rules`, or says what is wrong with it."""
    where = f"{section}[{number}]" + (f" ({entry['id']})" if isinstance(entry.get("id"), str) else "")
    model = _SECTIONS[section]
    try:
        rule = model.model_validate(entry)
    except ValidationError as error:
        for problem in error.errors():
            key = ".".join(str(step) for step in problem["loc"])
            if problem["type"] == "extra_forbidden":
                known = [name for name in model.model_fields if name != "type"]
                yield f"{where}.{key}: there is no such key; {nearest(key, known)}"
            else:
                yield f"{where}.{key}: {problem['msg'].removeprefix('Value error, ')}"
        return
    if rule.id == RESERVED:
        yield f"{where}.id: {RESERVED!r} is what the hub calls official warnings: take another one"
    if rule.code not in words.codes():
        yield f"{where}.code: {rule.code!r} has no words; {nearest(rule.code, sorted(words.codes()))}"
    if isinstance(rule, LimitRule | SilenceRule):
        quantity = quantities.get(rule.quantity)
        if quantity is None:
            yield f"{where}.quantity: {rule.quantity!r} is no quantity of the park file; " + nearest(
                rule.quantity, sorted(quantities)
            )
            return
        if rule.unit and rule.unit != quantity.unit:
            yield (
                f"{where}.unit: {rule.unit!r} is not the unit of {quantity.name}, which the park keeps in "
                f"{quantity.unit!r}: convert the figures"
            )
            return
        if isinstance(rule, SilenceRule) and rule.after < shortest(quantity.heartbeat):
            yield (
                f"{where}.after: {_seconds(rule.after)} is shorter than twice the heartbeat of {quantity.name}, "
                f"{_seconds(quantity.heartbeat)}: an unchanged value would count as silence; "
                f"write at least {_seconds(shortest(quantity.heartbeat))}, or shorten the quantity's heartbeat"
            )
        rules.append(rule.model_copy(update={"unit": quantity.unit}))
    elif isinstance(rule, SignalRule | SourceRule):
        rules.append(rule)


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():g}s"
