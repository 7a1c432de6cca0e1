"""What a privacy officer does for a person: erases what is held of them, or puts it right."""

from typing import Annotated, Any

import strawberry
from strawberry import Parent

from adapters.contract import Value
from hub.access.personal.desk import Done, PersonalDesk, Word
from hub.errors import BadRequest, Conflict, Forbidden, Internal, NotFound, Refused
from hub.viewer import EVERYTHING, Action
from schema import reading
from schema.nodes.people import Person
from schema.problems import Problem
from schema.rows import Asked
from schema.sight import opening

PROJECTED_SECONDS = 2.0
"""How long an answer waits for the graph to show it."""


@strawberry.type(description="No person has this id, or none that you may see.")
class PersonNotFound(Problem):
    pass


@strawberry.type(description="What stands against it; the message says what to do.")
class PersonalDataRefused(Problem):
    pass


@strawberry.type(description="The key was used for something else, or others change the same person.")
class PersonalDataConflict(Problem):
    pass


async def _person(root: Parent[Any], info: Asked) -> Person | None:
    return await reading.one(info, "Person", root.entity)  # type: ignore[return-value]


_PROJECTED = "Whether queries show it already; else they will."


@strawberry.type(description="It is erased for good: in the log, among the keys, in the graph.")
class ErasePersonSuccess:
    id: strawberry.ID = strawberry.field(description="The person's id, which names nobody any more.")
    things: int = strawberry.field(description="Records of sources that were emptied: theirs, certificates, shifts.")
    dead_letters: int = strawberry.field(description="Payloads that nobody could read and that named the person.")
    projected: bool = strawberry.field(description=_PROJECTED)


@strawberry.type(description="It is put right, above what any source says.")
class CorrectPersonSuccess:
    entity: strawberry.Private[str]
    person: Person | None = strawberry.field(resolver=_person, description="The person, as the graph shows them.")
    projected: bool = strawberry.field(description=_PROJECTED)


@strawberry.type(description="They are known for the response to this incident alone.")
class RegisterPersonSuccess:
    entity: strawberry.Private[str]
    person: Person | None = strawberry.field(resolver=_person, description="The person, as the graph shows them.")
    projected: bool = strawberry.field(description=_PROJECTED)


RegisterPersonResult = Annotated[
    RegisterPersonSuccess | PersonNotFound | PersonalDataRefused | PersonalDataConflict,
    strawberry.union(name="RegisterPersonResult", description="What became of a registration."),
]


@strawberry.type(description="The hold is in the log.")
class LegalHoldSuccess:
    subject: str = strawberry.field(description="The person's id, or the incident's number.")


LegalHoldResult = Annotated[
    LegalHoldSuccess | PersonNotFound | PersonalDataRefused | PersonalDataConflict,
    strawberry.union(name="LegalHoldResult", description="What became of a hold."),
]
ErasePersonResult = Annotated[
    ErasePersonSuccess | PersonNotFound | PersonalDataRefused | PersonalDataConflict,
    strawberry.union(name="ErasePersonResult", description="What became of an erasure."),
]
CorrectPersonResult = Annotated[
    CorrectPersonSuccess | PersonNotFound | PersonalDataRefused | PersonalDataConflict,
    strawberry.union(name="CorrectPersonResult", description="What became of a correction."),
]


@strawberry.input(description="What a person had put right; what is left out stays as it is.")
class PersonCorrection:
    name: str | None = strawberry.field(default=None, description="Their name.")
    phone: str | None = strawberry.field(default=None, description="Their number.")
    roles: list[str] | None = strawberry.field(default=None, description="What the park calls them.")

    def values(self) -> dict[str, Value]:
        given = {"name": self.name, "phone": self.phone, "roles": None if self.roles is None else tuple(self.roles)}
        return {name: value for name, value in given.items() if value is not None}


_Id = Annotated[strawberry.ID, strawberry.argument(name="id", description="The person's id.")]
_Reason = Annotated[str, strawberry.argument(description="Who asked, or which rule; kept in clear: no names in it.")]
_Key = Annotated[
    str, strawberry.argument(description="A new random text for each change; a repeat gets the first answer.")
]


async def erase_person(info: Asked, id_: _Id, reason: _Reason, idempotency_key: _Key) -> ErasePersonResult:
    try:
        done = await desk(info).erase(id_, Word(actor=info.context.viewer.subject, reason=reason, key=idempotency_key))
    except (NotFound, Refused, BadRequest, Conflict) as error:
        return problem(error)
    return ErasePersonSuccess(
        id=strawberry.ID(done.person),
        things=done.things,
        dead_letters=done.letters,
        projected=await _projected(info, done),
    )


async def correct_person(
    info: Asked,
    id_: _Id,
    values: Annotated[PersonCorrection, strawberry.argument(description="What is right.")],
    reason: _Reason,
    idempotency_key: _Key,
) -> CorrectPersonResult:
    word = Word(actor=info.context.viewer.subject, reason=reason, key=idempotency_key)
    try:
        done = await desk(info).correct(id_, values.values(), word)
    except (NotFound, Refused, BadRequest, Conflict) as error:
        return problem(error)
    return CorrectPersonSuccess(entity=done.person, projected=await _projected(info, done))


async def register_person(
    info: Asked,
    incident: Annotated[str, strawberry.argument(description="The incident's number.")],
    values: Annotated[PersonCorrection, strawberry.argument(description="Who they are.")],
    idempotency_key: _Key,
) -> RegisterPersonResult:
    word = Word(actor=info.context.viewer.subject, reason="", key=idempotency_key)
    try:
        done = await desk(info, "Person", "name").register(incident, values.values(), word)
    except (NotFound, Refused, BadRequest, Conflict) as error:
        return problem(error)
    return RegisterPersonSuccess(entity=done.person, projected=await _projected(info, done))


_Subject = Annotated[str, strawberry.argument(description="A person's id, or an incident's number.")]


async def place_legal_hold(info: Asked, subject: _Subject, reason: _Reason, idempotency_key: _Key) -> LegalHoldResult:
    return await _hold(info, subject, reason, idempotency_key, place=True)


async def release_legal_hold(info: Asked, subject: _Subject, reason: _Reason, idempotency_key: _Key) -> LegalHoldResult:
    return await _hold(info, subject, reason, idempotency_key, place=False)


async def _hold(info: Asked, subject: str, reason: str, key: str, *, place: bool) -> LegalHoldResult:
    word = Word(actor=info.context.viewer.subject, reason=reason, key=key)
    try:
        done = await desk(info).hold(subject, word, place=place)
    except (NotFound, Refused, BadRequest, Conflict) as error:
        return problem(error)
    return LegalHoldSuccess(subject=done.subject)


def desk(info: Asked, kind: str = "Processing", name: str = "record") -> PersonalDesk:
    """For whoever the policies let write the field in every row: to keep the record of processing is a privacy
    officer's, people's names a responder's. Raises Forbidden."""
    if not any(grant.scope.name == EVERYTHING.name for grant in opening(info.context, kind, name, Action.WRITE)):
        raise Forbidden(f"the policies do not let you write {kind}.{name}: causeway policy explain tells who may")
    if (found := info.context.services.personal) is None:
        raise Internal("this hub was started without a desk for personal data")
    return found


def problem(
    error: NotFound | Refused | BadRequest | Conflict,
) -> PersonNotFound | PersonalDataRefused | PersonalDataConflict:
    if isinstance(error, NotFound):
        return PersonNotFound(code=error.code, message=error.message)
    if isinstance(error, Conflict):
        return PersonalDataConflict(code=error.code, message=error.message)
    return PersonalDataRefused(code=error.code, message=error.message)


async def _projected(info: Asked, done: Done) -> bool:
    return await info.context.services.projection.wait_for(done.seq, PROJECTED_SECONDS)
