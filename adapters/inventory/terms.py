"""On what terms a lot is shared: what may be said of it by whom, and the words for it."""

from collections.abc import Mapping

from adapters.contract import Value
from graph_models.entities import LotSharing

WORDS: Mapping[str, LotSharing] = {
    "own": LotSharing.OWN,
    "自有": LotSharing.OWN,
    "园区自有": LotSharing.OWN,
    "agreed": LotSharing.AGREED,
    "协议": LotSharing.AGREED,
    "协议共享": LotSharing.AGREED,
    "协议调用": LotSharing.AGREED,
    "ask": LotSharing.ASK,
    "询问": LotSharing.ASK,
    "需询问": LotSharing.ASK,
    "需协商": LotSharing.ASK,
    "not shared": LotSharing.NOT_SHARED,
    "not_shared": LotSharing.NOT_SHARED,
    "private": LotSharing.NOT_SHARED,
    "不共享": LotSharing.NOT_SHARED,
    "否": LotSharing.NOT_SHARED,
}
"""What people write, in lower case."""


def broken(values: Mapping[str, Value], organization: str | None) -> str | None:
    """Why a lot cannot have these terms; None where it can. `organization`: whose records its source holds; None: the
    park operator's own, who alone owns what all may count on (Emergency Response Law, arts. 12 and 76)."""
    sharing, agreed = values.get("sharing"), values.get("agreed_quantity")
    if sharing == LotSharing.OWN and organization is not None:
        return f"only the park operator's stock is OWN, and this is {organization}'s: say AGREED, ASK or NOT_SHARED"
    if sharing == LotSharing.AGREED and agreed is None:
        return "AGREED needs agreed_quantity: how much of it others may count on"
    if agreed is not None and sharing != LotSharing.AGREED:
        return "an agreed_quantity goes with sharing AGREED alone"
    if isinstance(agreed, int | float) and agreed < 0:
        return f"the agreed_quantity {agreed:g} is below zero"
    return None
