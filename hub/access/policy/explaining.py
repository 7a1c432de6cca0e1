"""Why a field is shown as it is: the decision for a role and purpose, told for people."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hub.access.policy.compiling import Decision, ViewerClass, decide
from hub.access.policy.engine import FLAGS
from hub.access.policy.load import Loaded
from hub.errors import BadRequest, nearest
from hub.viewer import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """As typed: `purpose` None is the role's own."""

    role: str
    field: str
    purpose: str | None = None
    action: Action = Action.READ
    flags: frozenset[str] = frozenset()


def decision(loaded: Loaded, question: Question) -> tuple[ViewerClass, Decision]:
    """Raises BadRequest for a role, purpose, flag or field that is not there."""
    roles = loaded.roles
    _known("role", question.role, roles.roles)
    purpose = question.purpose or roles.roles[question.role].purpose
    _known("purpose", purpose, roles.purposes)
    for flag in sorted(question.flags):
        _known("flag", flag, FLAGS)
    _known("field", question.field, loaded.catalogue.fields)
    who = ViewerClass(roles=roles.acting({question.role}, purpose), purpose=purpose, flags=question.flags)
    (found,) = decide(loaded, who, question.action, (question.field,))
    return who, found


def _known(what: str, given: str, known: Iterable[str]) -> None:
    names = list(known)
    if given not in names:
        raise BadRequest(f"there is no {what} {given!r}; {nearest(given, names)}")


def result(found: Decision) -> str:
    """`SHOW everything`, several joined by ` + `; `nothing` where the field is closed."""
    return " + ".join(f"{mask.value} {scope}" for scope, mask in found.shown.items()) or "nothing"


def explain(loaded: Loaded, question: Question) -> Iterator[str]:
    """Lines that name the result and each rule that led to it. Raises BadRequest."""
    who, found = decision(loaded, question)
    holds = f", while {' and '.join(sorted(who.flags))} holds" if who.flags else ""
    yield f"{question.field}: {question.action} as {question.role} for {who.purpose}{holds}"
    yield f"  {result(found)}"
    if not who.roles:
        purposes = ", ".join(loaded.roles.roles[question.role].purposes)
        yield f"  the role may not act for {who.purpose}; it may for {purposes}"
    elif not found.rules:
        yield "  no permit holds, so the field stays closed"
    for rule in found.rules:
        does = f"{rule.mask.value} {rule.scope}" if rule.permits else "forbids"
        yield f"  by {rule.id} ({rule.where}): {does}" + (f" · {rule.zh} · {rule.en}" if rule.en or rule.zh else "")
    for error in found.errors:
        yield f"  closed, because a policy could not be evaluated: {error}"
    for opening in _openings(loaded, question, found):
        yield f"  {opening}"


def _openings(loaded: Loaded, question: Question, now: Decision) -> Iterator[str]:
    """What else it would be under another of the role's purposes or one more flag; that is what is asked next."""
    who, _ = decision(loaded, question)
    for purpose in loaded.roles.roles[question.role].purposes:
        for flag in (None, *FLAGS):
            if (purpose, flag) == (who.purpose, None) or flag in question.flags:
                continue
            flags = question.flags | ({flag} if flag else set())
            other = Question(
                role=question.role, field=question.field, purpose=purpose, action=question.action, flags=flags
            )
            _, then = decision(loaded, other)
            if then.shown != now.shown:
                when = f"for {purpose}" + (f" while {' and '.join(sorted(flags))} holds" if flags else "")
                yield f"{when} it would be: {result(then)}"
