"""On what basis a person's fields are used, what they took back, and to whom fields of people were given."""

from datetime import datetime
from typing import Annotated

import strawberry

from hub.access.audit import reading
from hub.access.personal import provided
from hub.access.personal.consents import Basis, Consent, Consents, Given
from hub.access.personal.desk import Word
from hub.access.personal.provided import Provision, Recorded
from hub.errors import AuditUnavailable, BadRequest, Conflict, Forbidden, Internal, NotFound, Refused
from hub.viewer import Action
from schema.enums import described
from schema.privacy import PersonalDataConflict, PersonalDataRefused, PersonNotFound, problem
from schema.problems import Problem
from schema.rows import Asked
from schema.sight import sees_record

REPORTED = 10_000
"""The newest answers that one list of what was shared is made of."""

described(
    Basis,
    "Why it is lawful to use personal data.",
    {
        "CONSENT": "The person said yes, and may take it back.",
        "CONTRACT": "A contract with the person, or the management of staff by lawful rules, needs it.",
        "LEGAL_DUTY": "A law asks for it.",
        "EMERGENCY": "Life, health or property are in danger.",
        "PUBLIC_INTEREST": "It is in the public interest, within reason.",
    },
    name="LegalBasis",
)


@strawberry.type(name="Consent", description="The last word on a person's fields for one purpose.")
class ConsentRecord:
    person: strawberry.ID = strawberry.field(description="The person's id, as it was recorded.")
    purpose: str = strawberry.field(description="The purpose, by its name in the policies.")
    fields: list[str] = strawberry.field(description="The fields, as `Type.field`.")
    basis: Basis = strawberry.field(description="On what it rests.")
    evidence: str = strawberry.field(description="Where the word can be looked up.")
    standing: bool = strawberry.field(description="False: it was withdrawn, and the fields are closed.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")
    recorded_by: str = strawberry.field(description="By whom.")


@strawberry.type(description="It is in the log, and in force from the next answer on.")
class RecordConsentSuccess:
    consent: ConsentRecord = strawberry.field(description="As it stands now.")


ConsentResult = Annotated[
    RecordConsentSuccess | PersonNotFound | PersonalDataRefused | PersonalDataConflict,
    strawberry.union(name="RecordConsentResult", description="What became of a consent, or of its withdrawal."),
]


@strawberry.type(description="To whom personal fields were shown, for which purpose: by the audit, not written twice.")
class PersonalDataShared:
    recipient: strawberry.ID = strawberry.field(description="The id of the organization that the viewers acted for.")
    purpose: str = strawberry.field(description="What they said it was for.")
    fields: list[str] = strawberry.field(description="The fields that were shown, whole or in part.")
    people: int = strawberry.field(description="Of how many people and records of theirs.")
    answers: int = strawberry.field(description="In how many answers.")
    first: datetime = strawberry.field(description="The first time.")
    last: datetime = strawberry.field(description="The last time.")


@strawberry.type(description="Personal data that was given to an organization beside the hub: on paper, by a file.")
class PersonalDataProvided:
    recipient: strawberry.ID = strawberry.field(description="The organization's id.")
    purpose: str = strawberry.field(description="What for, by its name in the policies.")
    agreement: strawberry.ID | None = strawberry.field(description="The sharing agreement's id.")
    fields: list[str] = strawberry.field(description="The fields, as `Type.field`.")
    people: int = strawberry.field(description="Of how many people.")
    at: datetime = strawberry.field(description="When it was given.")
    evidence: str = strawberry.field(description="Where it can be looked up.")
    recorded_by: str = strawberry.field(description="By whom it was recorded.")


@strawberry.type(description="It is in the log.")
class RecordProvisionSuccess:
    provision: PersonalDataProvided = strawberry.field(description="As it was recorded.")


@strawberry.type(description="No organization or agreement has this id.")
class RecipientNotFound(Problem):
    pass


ProvisionResult = Annotated[
    RecordProvisionSuccess | RecipientNotFound | PersonalDataRefused | PersonalDataConflict,
    strawberry.union(name="RecordProvisionResult", description="What became of a record of provision."),
]

_Person = Annotated[strawberry.ID, strawberry.argument(description="The person's id.")]
_OrOwn = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="The person's id; without it the person who you are, as your token says."),
]
_Purpose = Annotated[str, strawberry.argument(description="The purpose, by its name in the policies.")]
_Evidence = Annotated[
    str, strawberry.argument(description="Where the word can be looked up; kept in clear: no names in it.")
]
_Key = Annotated[
    str, strawberry.argument(description="A new random text for each change; a repeat gets the first answer.")
]


async def consents(info: Asked, person: _OrOwn = None) -> list[ConsentRecord]:
    """Everyone may ask what was recorded of them."""
    own = await info.context.own(person)
    found = _register(info) if own is not None else _consents(info, Action.READ)
    return [_record(each) for each in await found.of(own or _named(person))]


async def give(
    info: Asked,
    person: _Person,
    purpose: _Purpose,
    fields: Annotated[list[str], strawberry.argument(description="Personal fields, such as `Person.phone`.")],
    evidence: _Evidence,
    idempotency_key: _Key,
    basis: Annotated[Basis, strawberry.argument(description="On what it rests.")] = Basis.CONSENT,
) -> ConsentResult:
    given = Given(purpose=purpose, fields=tuple(dict.fromkeys(fields)), basis=basis, evidence=evidence)
    try:
        done = await _consents(info, Action.WRITE).give(person, given, _word(info, idempotency_key))
    except (NotFound, Refused, BadRequest, Conflict) as error:
        return problem(error)
    return RecordConsentSuccess(consent=_record(done))


async def withdraw(
    info: Asked, purpose: _Purpose, evidence: _Evidence, idempotency_key: _Key, person: _OrOwn = None
) -> ConsentResult:
    """Everyone may take back what they agreed to."""
    word, own = _word(info, idempotency_key), await info.context.own(person)
    found = _register(info) if own is not None else _consents(info, Action.WRITE)
    try:
        done = await found.withdraw(own or _named(person), purpose, evidence, word)
    except (NotFound, Refused, BadRequest, Conflict) as error:
        return problem(error)
    return RecordConsentSuccess(consent=_record(done))


async def shared(
    info: Asked,
    since: Annotated[datetime | None, strawberry.argument(description="Only what was shown since.")] = None,
    recipient: Annotated[strawberry.ID | None, strawberry.argument(description="To this organization alone.")] = None,
) -> list[PersonalDataShared]:
    if not sees_record(info.context, "AuditRecord"):
        raise Forbidden("what was shared with whom is for auditors and the privacy officer, for their purposes")
    if (audit := info.context.services.audit) is None:
        raise AuditUnavailable("this hub keeps no audit")
    found = await reading.shared(audit.engines, since=since, recipient=recipient, first=REPORTED)
    info.context.ledger.rows("Access", len(found))
    return [
        PersonalDataShared(
            recipient=strawberry.ID(each.recipient),
            purpose=each.purpose,
            fields=list(each.fields),
            people=each.people,
            answers=each.answers,
            first=each.first,
            last=each.last,
        )
        for each in found
    ]


async def provide(
    info: Asked,
    recipient: Annotated[strawberry.ID, strawberry.argument(description="The organization's id.")],
    purpose: _Purpose,
    fields: Annotated[list[str], strawberry.argument(description="Personal fields, such as `Person.phone`.")],
    people: Annotated[int, strawberry.argument(description="Of how many people.")],
    at: Annotated[datetime, strawberry.argument(description="When it was given.")],
    evidence: _Evidence,
    idempotency_key: _Key,
    agreement: Annotated[strawberry.ID | None, strawberry.argument(description="The sharing agreement's id.")] = None,
) -> ProvisionResult:
    purposes, services = _consents(info, Action.WRITE).purposes, info.context.services
    given = Provision(
        recipient=recipient,
        purpose=purpose,
        agreement=agreement,
        fields=tuple(dict.fromkeys(fields)),
        people=people,
        at=at,
        evidence=evidence,
    )
    word = _word(info, idempotency_key)
    try:
        done = await provided.record(services.journal, services.clock, given, word, purposes)
    except NotFound as error:
        return RecipientNotFound(code=error.code, message=error.message)
    except Conflict as error:
        return PersonalDataConflict(code=error.code, message=error.message)
    except BadRequest as error:
        return PersonalDataRefused(code=error.code, message=error.message)
    return RecordProvisionSuccess(provision=_provided(done))


async def provisions(info: Asked) -> list[PersonalDataProvided]:
    _consents(info, Action.READ)
    return [_provided(each) for each in await provided.recorded(info.context.services.journal)]


def _provided(done: Recorded) -> PersonalDataProvided:
    given = done.provision
    return PersonalDataProvided(
        recipient=strawberry.ID(given.recipient),
        purpose=given.purpose,
        agreement=None if given.agreement is None else strawberry.ID(given.agreement),
        fields=list(given.fields),
        people=given.people,
        at=given.at,
        evidence=given.evidence,
        recorded_by=done.by,
    )


def _consents(info: Asked, action: Action) -> Consents:
    """Raises Forbidden."""
    if not sees_record(info.context, "Processing", action):
        raise Forbidden(
            f"the policies do not let you {action} Processing.record: the consents of others are the privacy officer's"
        )
    return _register(info)


def _named(person: str | None) -> str:
    """Raises BadRequest."""
    if person is None:
        raise BadRequest("your token names none of the park's people: say whose consents you mean, by `person`")
    return person


def _register(info: Asked) -> Consents:
    if (found := info.context.services.consents) is None:
        raise Internal("this hub was started without a register of consents")
    return found


def _word(info: Asked, key: str) -> Word:
    return Word(actor=info.context.viewer.subject, reason="", key=key)


def _record(consent: Consent) -> ConsentRecord:
    return ConsentRecord(
        person=strawberry.ID(consent.person),
        purpose=consent.purpose,
        fields=list(consent.fields),
        basis=consent.basis,
        evidence=consent.evidence,
        standing=consent.standing,
        recorded_at=consent.recorded_at,
        recorded_by=consent.recorded_by,
    )
