"""Decides which entity each claim is about, in the transaction that appends the claim.

Each thing of each source has an id of its own, made once; `components.partition` says which of them are one
entity, whose id is its oldest thing's. The others are its aliases for ever, unless a split gives them back.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

import orjson
import sqlalchemy as sa

from adapters.contract import Claim
from graph_models import entities as declared
from hub.clock import to_micros
from hub.journal import hints, neighbourhood
from hub.journal.components import Pair, Proposal, pair, partition
from hub.journal.holding import rewrite, unsettled
from hub.journal.identifiers import Key, key_of, normalise, reference
from hub.journal.ids import is_uuid, uuid7
from hub.journal.neighbourhood import Aliases, chunks
from hub.journal.records import HUB, NewEvent
from hub.journal.tables import external, match, record
from hub.journal.trust import SourceTrust, trust_changed
from hub.journal.upcast import CURRENT

MERGE_LIMIT = 20
_PLACED_BY = frozenset({"LOCATED_IN", "PART_OF"})
_ALIKE_KINDS = frozenset({declared.Place.__name__, declared.Asset.__name__})  # kinds whose name is not personal


class Hashes(Protocol):
    """What identity needs of the keyring."""

    def hmac(self, text: str) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    entities: Mapping[str, str]  # external id → entity id
    targets: Mapping[tuple[str, str], str]  # (source, external id) of what claims link to → entity id
    events: Sequence[NewEvent]  # to append in the same batch


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What is known of one source's thing; `signature` is None for one that was only linked to."""

    entity: str
    kind: str | None = None
    gone: bool = False
    signature: bytes | None = None
    alike: bytes | None = None


@dataclass(slots=True, kw_only=True)
class _Change:
    """A thing before and after a batch; `keys` is None where its identifiers stay as they are."""

    before: _Held
    after: _Held
    keys: Mapping[Key, bool] | None = None  # to whether the source is trusted with it
    name: str = ""


class Identity:
    """Runs in the journal's writer thread; what it caches must go when a transaction is rolled back."""

    def __init__(
        self,
        keyring: Hashes,
        trust: Mapping[str, SourceTrust] = MappingProxyType({}),
        *,
        merge_limit: int = MERGE_LIMIT,
        cached: int = 20_000,
    ) -> None:
        self._keyring = keyring
        self._trust = trust
        self.merge_limit = merge_limit
        self._cached = cached
        self._held: OrderedDict[tuple[str, str], _Held] = OrderedDict()
        self._aliases: Aliases | None = None
        self._versions: dict[str, int] = {}

    def forget_cache(self) -> None:
        """After a rollback: the next call reads again what is committed."""
        self._held.clear()
        self._aliases = None
        self._versions.clear()

    def resolve(
        self, connection: sa.Connection, source: str, claims: Sequence[Claim], recorded_at: datetime
    ) -> Resolution:
        """The entity of each claim and of what it links to, ids made where there were none, and the events of
        merges, splits and proposals that follow from the claims."""
        targets = {(link.source or source, link.target) for claim in claims for link in claim.links}
        held = self._named(connection, {(source, claim.external_id) for claim in claims} | targets, recorded_at)
        aliases = self.aliases(connection)
        changes = self._changes(source, claims, held, aliases)
        events = self._take(connection, source, changes, recorded_at) if changes else []
        for external_id, change in changes.items():
            held[source, external_id] = change.after
        self._remember(held)
        return Resolution(
            entities={claim.external_id: aliases.root(held[source, claim.external_id].entity) for claim in claims},
            targets={name: aliases.root(held[name].entity) for name in targets},
            events=events,
        )

    def name(
        self, connection: sa.Connection, source: str, external_ids: Sequence[str], recorded_at: datetime
    ) -> Mapping[str, str]:
        """The entity ids of things that were named (by a reading, a signal) and perhaps never claimed."""
        held = self._named(connection, {(source, external_id) for external_id in external_ids}, recorded_at)
        aliases = self.aliases(connection)
        self._remember(held)
        return {external_id: aliases.root(each.entity) for (_, external_id), each in held.items()}

    def settle(self, connection: sa.Connection, recorded_at: datetime) -> Sequence[NewEvent]:
        """Once at start: what a change of trust or organization in the settings means for the claims there are."""
        self.forget_cache()
        seeds = trust_changed(connection, self._trust)
        return self.evaluate(connection, seeds, recorded_at) if seeds else []

    def aliases(self, connection: sa.Connection) -> Aliases:
        if self._aliases is None:
            self._aliases = Aliases(connection)
        return self._aliases

    def evaluate(
        self,
        connection: sa.Connection,
        seeds: set[str],
        recorded_at: datetime,
        *,
        actor: str = HUB,
        reason: str | None = None,
    ) -> list[NewEvent]:
        """Parts and joins anew all that the things `seeds` may be one with; the events of what changed."""
        aliases = self.aliases(connection)
        found = neighbourhood.around(connection, seeds, aliases, limit=self.merge_limit)
        result = partition(found.things, found.holders, found.accepted, found.refused, limit=self.merge_limit)
        before = aliases.apply(connection, result.roots)
        events = list[NewEvent]()
        for one in sorted(before):
            was, now = before[one], result.roots[one]
            if was != one and aliases.root(was) == now:
                continue  # it moved along with the entity that it was part of already
            for type_, entity in (("entity.split", was), ("entity.merged", now)):
                if entity != one:
                    data = {"entity": entity, "alias": one}
                    events.append(self.event(connection, type_, f"entity:{one}", data, actor, reason))
        return events + self.propose(connection, result.proposals, recorded_at)

    def propose(
        self, connection: sa.Connection, proposals: Iterable[Proposal], recorded_at: datetime
    ) -> list[NewEvent]:
        """Records each pair that was neither proposed nor decided before."""
        wanted = {pair(each.left, each.right): each for each in proposals}
        known = set[Pair]()
        for some in chunks({left for left, _ in wanted}):
            rows = connection.execute(sa.select(match.c.left, match.c.right).where(match.c.left.in_(some)))
            known |= {(row.left, row.right) for row in rows}
        events, rows_to_add = list[NewEvent](), list[dict[str, object]]()
        for (left, right), each in sorted(wanted.items()):
            if (left, right) in known:
                continue
            id_ = uuid7(recorded_at)
            evidence = [{"scheme": key.scheme, "value": key.value} for key in each.evidence]
            data = {"match": id_, "left": left, "right": right, "reason": each.reason, "evidence": evidence}
            rows_to_add.append(
                {
                    "id": id_,
                    "left": left,
                    "right": right,
                    "state": "proposed",
                    "reason": each.reason,
                    "evidence": orjson.dumps(evidence),
                    "proposed_at": to_micros(recorded_at),
                }
            )
            events.append(self.event(connection, "match.proposed", f"match:{id_}", data, HUB, None))
        if rows_to_add:
            connection.execute(sa.insert(match), rows_to_add)
        return events

    def event(
        self,
        connection: sa.Connection,
        type_: str,
        stream: str,
        data: Mapping[str, object],
        actor: str,
        reason: str | None,
    ) -> NewEvent:
        """The stream's next event; those of this transaction that are not yet appended count."""
        stored = connection.scalar(sa.select(sa.func.max(record.c.stream_version)).where(record.c.stream == stream))
        expected = max(stored or 0, self._versions.pop(stream, 0))
        self._versions[stream] = expected + 1
        return NewEvent(
            type=type_,
            version=CURRENT[type_],
            stream=stream,
            expected=expected,
            data=data,
            actor=actor,
            reason=reason,
        )

    def _look_up(self, connection: sa.Connection, names: set[tuple[str, str]]) -> dict[tuple[str, str], _Held]:
        found = {name: self._held[name] for name in names if name in self._held}
        missing = dict[str, list[str]]()
        for source, external_id in names - found.keys():
            missing.setdefault(source, []).append(external_id)
        for source, external_ids in missing.items():
            for some in chunks(external_ids):
                statement = sa.select(external).where(external.c.source == source, external.c.external_id.in_(some))
                for row in connection.execute(statement):
                    found[source, row.external_id] = _Held(
                        entity=row.entity,
                        kind=row.kind,
                        gone=row.gone,
                        signature=None if row.signature is None else bytes(row.signature),
                        alike=None if row.alike is None else bytes(row.alike),
                    )
        return found

    def _remember(self, held: Mapping[tuple[str, str], _Held]) -> None:
        for name, value in held.items():
            self._held[name] = value
            self._held.move_to_end(name)
        while len(self._held) > self._cached:
            self._held.popitem(last=False)

    def _named(
        self, connection: sa.Connection, names: set[tuple[str, str]], recorded_at: datetime
    ) -> dict[tuple[str, str], _Held]:
        """What is known of each; ids are made where there were none."""
        held = self._look_up(connection, names)
        rows = list[dict[str, object]]()
        for source, external_id in sorted(names - held.keys()):
            entity = external_id if source == HUB and is_uuid(external_id) else uuid7(recorded_at)
            held[source, external_id] = _Held(entity=entity)
            rows.append(
                {
                    "source": source,
                    "external_id": external_id,
                    "entity": entity,
                    "made_at": to_micros(recorded_at),
                    "gone": False,
                    "organization": self._of(source).organization or "",
                }
            )
        if rows:
            connection.execute(sa.insert(external), rows)
        return held

    def _of(self, source: str) -> SourceTrust:
        return self._trust.get(source, SourceTrust())

    def _changes(
        self, source: str, claims: Sequence[Claim], held: Mapping[tuple[str, str], _Held], aliases: Aliases
    ) -> dict[str, _Change]:
        """What differs from what is known of each thing. One that is gone keeps the identifiers it had."""
        trust = self._of(source)
        changes = dict[str, _Change]()
        for claim in claims:
            before = held[source, claim.external_id]
            change = changes.setdefault(claim.external_id, _Change(before=before, after=before))
            if claim.gone:
                change.after = replace(change.after, kind=change.after.kind or claim.kind, gone=True)
                continue
            keys = dict[Key, bool]()
            for each in claim.identifiers:
                key = key_of(each, source, trust.organization or "", self._keyring.hmac)
                if key is not None:
                    keys[key] = source == HUB or each.scheme in trust.trusted_schemes
            if claim.kind == declared.Asset.__name__ and source != HUB:
                keys[reference(source, claim.external_id)] = True
            place = next((link for link in claim.links if link.relation in _PLACED_BY), None)
            name = claim.values.get("name")
            alike = None
            if place is not None and isinstance(name, str) and claim.kind in _ALIKE_KINDS:
                place_id = aliases.root(held[place.source or source, place.target].entity)
                change.name = normalise(name)
                alike = _digest([claim.kind, change.name, place_id])
            signature = _digest([claim.kind, trust.organization, sorted((*key, ok) for key, ok in keys.items())])
            change.after = _Held(entity=before.entity, kind=claim.kind, gone=False, signature=signature, alike=alike)
            change.keys = keys
        return {name: change for name, change in changes.items() if change.after != change.before}

    def _take(
        self, connection: sa.Connection, source: str, changes: Mapping[str, _Change], recorded_at: datetime
    ) -> list[NewEvent]:
        organization = self._of(source).organization or ""
        connection.execute(
            sa.update(external).where(
                external.c.source == sa.bindparam("of_source"), external.c.external_id == sa.bindparam("of_id")
            ),
            [
                {
                    "of_source": source,
                    "of_id": external_id,
                    "kind": change.after.kind,
                    "gone": change.after.gone,
                    "organization": organization,
                    "signature": change.after.signature,
                    "alike": change.after.alike,
                }
                for external_id, change in changes.items()
            ],
        )
        given = {name: (change.after.entity, change.keys) for name, change in changes.items()}
        claimed = {name for name, change in changes.items() if change.before.kind is not None}
        keys = rewrite(connection, source, given, claimed)
        moved = unsettled(connection, keys, limit=self.merge_limit)
        aliases = self.aliases(connection)
        seeds = moved.things | {
            change.after.entity
            for change in changes.values()
            if change.before.kind is not None
            or (source == HUB and is_uuid(change.after.entity))
            or len(aliases.members(change.after.entity)) > 1
        }
        events = self.evaluate(connection, seeds, recorded_at) if seeds else []
        proposals = hints.of_untrusted(connection, keys.given, aliases, limit=self.merge_limit)
        proposals += hints.of_worn(connection, moved.worn, aliases, limit=self.merge_limit)
        looks = {
            each.alike: hints.Look(each.entity, change.name)
            for change in changes.values()
            if (each := change.after).alike is not None and not each.gone
        }
        proposals += hints.of_look_alikes(connection, source, looks, aliases)
        return events + (self.propose(connection, proposals, recorded_at) if proposals else [])


def _digest(parts: object) -> bytes:
    return hashlib.blake2b(orjson.dumps(parts), digest_size=16).digest()
