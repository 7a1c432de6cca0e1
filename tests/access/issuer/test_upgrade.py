"""An `access.db` of an earlier version is brought up where it lies, and its accounts stay."""

from pathlib import Path

import sqlalchemy as sa

from tests.access.issuer.park import PASSWORD, opened


def test_accounts_of_version_1_are_of_nobody_until_it_is_said(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'var' / 'access.db'}")
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE account DROP COLUMN person"))
        connection.execute(sa.text("UPDATE about SET value = '1' WHERE name = 'version'"))
    engine.dispose()
    for _ in range(2):
        with opened(tmp_path, empty=True) as park:
            assert park.issuer.accounts.named("lin").person is None
            assert "person" not in park.claims(park.tokens()["access_token"])[1]
    with opened(tmp_path, empty=True) as park:
        park.issuer.accounts.set_roles("lin", ["guard"], None, "a person's id")
        assert park.claims(park.tokens()["access_token"])[1]["person"] == "a person's id"
        assert park.issuer.accounts.verify("lin", PASSWORD, "") is not None
