"""What can go wrong with a mutation that its caller can mend."""

import strawberry

import schema.enums  # noqa: F401  where the words of Code are described
from hub.errors import Code


@strawberry.interface(description="Why a mutation was not done; the caller can mend it.")
class Problem:
    code: Code = strawberry.field(description="What kind of problem it is.")
    message: str = strawberry.field(description="What to do.")


@strawberry.type(description="No alert has this id, or none that you may see.")
class AlertNotFound(Problem):
    pass


@strawberry.type(description="Someone acknowledged it before; nothing is left to do.")
class AlertAlreadyAcknowledged(Problem):
    pass


@strawberry.type(description="The alert has ended; a new episode is a new alert.")
class AlertAlreadyClosed(Problem):
    pass


@strawberry.type(description="The key was used for something else, or the alert keeps changing.")
class AcknowledgementConflict(Problem):
    pass


@strawberry.type(description="No match has this id, or none whose two sides you may see.")
class MatchNotFound(Problem):
    pass


@strawberry.type(description="Someone decided the match before; nothing is left to do.")
class MatchAlreadyDecided(Problem):
    pass


@strawberry.type(description="No entity has this id, or none that you may see.")
class EntityNotFound(Problem):
    pass


@strawberry.type(description="The two are one entity already.")
class EntitiesAlreadyOne(Problem):
    pass


@strawberry.type(description="It would join more records than are joined unasked: look at them, then say `wide: true`.")
class MergeTooWide(Problem):
    pass


@strawberry.type(description="The id is an entity's own, or the ids belong to different entities.")
class NotAnAlias(Problem):
    pass


@strawberry.type(description="The idempotency key was used for another decision.")
class DecisionConflict(Problem):
    pass


@strawberry.type(description="No place has one of these ids, or none that you may see.")
class PlaceNotFound(Problem):
    pass


@strawberry.type(description="No incident has this id, or none that you may see.")
class IncidentNotFound(Problem):
    pass


@strawberry.type(description="Someone closed it before; nothing is left to do.")
class IncidentAlreadyClosed(Problem):
    pass


@strawberry.type(description="The key was used for something else.")
class IncidentConflict(Problem):
    pass


@strawberry.type(description="The file as a whole cannot be read; the message says what to do.")
class TableUnreadable(Problem):
    pass


@strawberry.type(description="It would retire more than goes unasked: look at it, then say `confirmRetirement: true`.")
class RetirementRefused(Problem):
    pass


@strawberry.type(description="Someone entered the same meanwhile, or the key was used for something else.")
class EntryConflict(Problem):
    pass


@strawberry.type(description="No source has this id, or none that is yours.")
class SourceNotFound(Problem):
    pass


@strawberry.type(description="The list cannot be taken as it is; the message says what to do.")
class StockListRefused(Problem):
    pass


@strawberry.type(description="No rejected row has this id, or none of a source that is yours.")
class RejectedRowNotFound(Problem):
    pass


@strawberry.type(description="Someone corrected the row before; nothing is left to do.")
class RejectedRowAlreadyCorrected(Problem):
    pass


@strawberry.type(description="The row cannot be read with these cells either; the message says why.")
class RowStillUnreadable(Problem):
    pass


@strawberry.type(description="No item has this code, or the text cannot be mapped.")
class SupplyItemNotMapped(Problem):
    pass
