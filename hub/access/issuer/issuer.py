"""The issuer as a whole: opened once, over a database of its own in the state folder."""

import logging
from pathlib import Path
from typing import Self

from hub.access.issuer.accounts import Accounts
from hub.access.issuer.clients import Clients
from hub.access.issuer.config import IssuerConfig
from hub.access.issuer.grants import Grants
from hub.access.issuer.keys import Keys
from hub.access.issuer.passwords import Passwords
from hub.access.issuer.server import Server
from hub.access.issuer.signing_in import SigningIn
from hub.access.issuer.standing import Standing
from hub.access.issuer.store import Seals, Store, Tell
from hub.clock import Clock, now


class Issuer:
    """Its parts, wired. Everything blocks, and may be called from any thread."""

    def __init__(self, store: Store, seals: Seals, config: IssuerConfig, passwords: Passwords) -> None:
        self._store = store
        self.config = config
        self.keys = Keys(store, seals, config)
        self.accounts = Accounts(store, seals, passwords, config.park)
        self.clients = Clients(store)
        self.grants = Grants(store, config)
        self.signing_in = SigningIn(store, self.accounts, config)
        self.standing = Standing(store, self.keys, config)
        self.server = Server(
            store, config, accounts=self.accounts, clients=self.clients, grants=self.grants, keys=self.keys
        )

    @classmethod
    def open(
        cls,
        folder: Path,
        seals: Seals,
        config: IssuerConfig,
        *,
        clock: Clock = now,
        passwords: Passwords | None = None,
    ) -> Self:
        """`access.db` in `folder`, made at first use. Raises SettingsError."""
        logging.getLogger("authlib").setLevel(logging.INFO)  # at DEBUG it writes tokens into the log
        store = Store.open(folder, clock)
        try:
            return cls(store, seals, config, passwords or Passwords())
        except BaseException:
            store.close()
            raise

    def tell_to(self, tell: Tell) -> None:
        """Logins, tokens, and what ended them, from now on."""
        self._store.tell = tell

    def now(self) -> int:
        """Whole seconds since 1970, by the issuer's clock."""
        return self._store.now()

    def housekeep(self) -> None:
        """Due every hour: moves the keys on, forgets what has long ended."""
        self.keys.turn()
        self.grants.prune()
        self.standing.read_anew()

    def close(self) -> None:
        self._store.close()
