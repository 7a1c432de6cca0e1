"""The hub as resource server of its own issuer: in the same process, a revocation counts at once."""

import asyncio
from datetime import timedelta

import pytest

from hub.access.authority import Credentials
from hub.access.tokens import Tokens
from hub.access.trusting import at_hand
from hub.errors import Forbidden, Unauthenticated
from hub.viewer import Viewer
from tests.access.issuer.park import URL, Park


def viewer(tokens: Tokens, token: str, purpose: str | None = None) -> Viewer:
    return asyncio.run(tokens.viewer(Credentials(authorization=f"Bearer {token}", purpose=purpose)))


def test_a_login_s_token_makes_a_viewer_until_it_is_revoked(park: Park) -> None:
    tokens = Tokens([at_hand(park.issuer.standing)], park.clock)
    got = park.tokens()
    seen = viewer(tokens, got["access_token"], "operations")
    assert (seen.issuer, seen.client, seen.organization) == (URL, "explorer", "org-park")
    assert (seen.roles, seen.purposes) == (frozenset({"duty_officer"}), frozenset({"operations"}))
    assert asyncio.run(tokens.holds(seen))
    with pytest.raises(Forbidden):
        viewer(tokens, got["access_token"], "emergency")
    assert park.post("/oauth/revoke", token=got["access_token"], client_id="explorer").status_code == 200
    assert not asyncio.run(tokens.holds(seen))
    with pytest.raises(Unauthenticated, match="revoked"):
        viewer(tokens, got["access_token"])


def test_a_key_that_replaces_another_leaves_the_tokens_of_both_standing(park: Park) -> None:
    tokens = Tokens([at_hand(park.issuer.standing)], park.clock)
    viewer(tokens, park.tokens()["access_token"])
    park.clock.advance(timedelta(days=29, hours=12))
    park.issuer.housekeep()
    park.clock.advance(timedelta(hours=23))
    old = park.tokens()["access_token"]
    assert viewer(tokens, old).subject == park.account.id
    park.clock.advance(timedelta(hours=1, minutes=1))
    park.issuer.housekeep()
    assert viewer(tokens, park.tokens()["access_token"]).subject == park.account.id
