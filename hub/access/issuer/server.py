"""The protocol: Authlib's authorization server over the hub's register. Calls block; the web runs them in threads."""

from collections.abc import Mapping, Sequence
from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc9207 import IssuerParameter
from joserfc import jwt

from hub.access.issuer.accounts import Accounts
from hub.access.issuer.clients import Client, Clients
from hub.access.issuer.config import IssuerConfig
from hub.access.issuer.devices import DeviceEndpoint, DeviceGrant, Devices
from hub.access.issuer.endpoints import Introspection, Revocation
from hub.access.issuer.flows import CodeGrant, CredentialsGrant, Holder, Pkce, RefreshGrant, Resource, gone
from hub.access.issuer.grants import Grant, Grants
from hub.access.issuer.keys import ALGORITHM, Keys
from hub.access.issuer.signing_in import Session
from hub.access.issuer.store import Store, secret_text
from hub.access.issuer.wire import Answer, Asked, Request, check

_REFUSED = frozenset({"invalid_client", "invalid_grant", "unauthorized_client", "access_denied", "invalid_scope"})
"""Of the token endpoint's errors those that may be somebody's attempt."""


class Server(AuthorizationServer):
    """May be called from several threads: what a request needs stands in the request."""

    def __init__(
        self, store: Store, config: IssuerConfig, *, accounts: Accounts, clients: Clients, grants: Grants, keys: Keys
    ) -> None:
        super().__init__()
        self.config = config
        self.store = store
        self.accounts = accounts
        self.clients = clients
        self.grants = grants
        self.devices = Devices(store, grants, config)
        self.keys = keys
        self._iss = _Iss(config.url)
        life = int(config.access_life.total_seconds())
        self.register_token_generator(
            "default", BearerTokenGenerator(self._access_token, self._refresh_token, lambda client, grant_type: life)
        )
        resource = Resource(config.audience)
        self.register_grant(CodeGrant, [Pkce(), resource])
        self.register_grant(RefreshGrant)
        self.register_grant(CredentialsGrant)
        self.register_endpoint(Revocation)
        self.register_endpoint(Introspection)
        self.register_grant(DeviceGrant)
        self.register_endpoint(DeviceEndpoint)

    # the endpoints

    def check_authorization(self, request: Request) -> "Asking | Answer":
        """Before anyone is asked to log in: what the client wants, or the refusal that goes back to it. Raises
        OAuth2Error where the client or its redirect URI is not known: then the browser goes nowhere."""
        check(request, once=False)
        asked = self.create_oauth2_request(request)
        try:
            grant = self.get_consent_grant(asked)
        except OAuth2Error as error:
            if not error.redirect_uri:
                raise
            return self._from_authorization(self.handle_error_response(asked, error))
        client, scope = grant.request.client, grant.request.scope
        max_age = asked.payload.data.get("max_age", "")
        return Asking(client, scope.split(), grant.redirect_uri, int(max_age) if max_age.isdecimal() else None)

    def decide(self, request: Request, session: Session, *, allowed: bool) -> Answer:
        """The person has said yes or no; raises OAuth2Error as above."""
        asking = self.check_authorization(request)
        if isinstance(asking, Answer):
            return asking
        asked = self.create_oauth2_request(request)
        grant = self.get_authorization_grant(asked)
        given = self.grants.begin(session, asking.client.id, " ".join(asking.scopes)) if allowed else None
        return self._from_authorization(self.create_authorization_response(asked, given, grant))

    def token(self, request: Request) -> Answer:
        answer = self._checked(request, self.create_token_response)
        why = answer.body.get("error") if isinstance(answer.body, Mapping) else None
        if isinstance(why, str) and why in _REFUSED:
            named = dict(request.parameters).get("client_id", "")
            self.store.tell("token.refused", {"why": why, "client": named if self.clients.find(named) else None})
        return answer

    def endpoint(self, name: str, request: Request) -> Answer:
        """`revocation`, `introspection` or `device_authorization`."""
        return self._checked(request, lambda asked: self.create_endpoint_response(name, asked))

    def _checked(self, request: Request, answer: Any) -> Answer:
        try:
            check(request, once=True)
        except OAuth2Error as error:
            return self.handle_error_response(None, error)  # type: ignore[no-any-return]
        return answer(request)  # type: ignore[no-any-return]

    def _from_authorization(self, answer: Answer) -> Answer:
        self._iss.add_issuer_parameter(self, answer)
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    # what Authlib asks of a framework

    def create_oauth2_request(self, request: "Request | Asked") -> Asked:
        return request if isinstance(request, Asked) else Asked(request)

    def handle_response(self, status: int, body: Any, headers: Sequence[tuple[str, str]]) -> Answer:
        return Answer(status=status, body=body, headers=dict(headers))

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def query_client(self, client_id: str) -> Client | None:
        return self.clients.find(client_id)

    def save_token(self, token: Mapping[str, object], request: Asked) -> None:
        """It was saved when it was made."""

    # tokens

    def holder(self, grant: Grant | None) -> Holder:
        """Raises InvalidGrantError where the grant has ended or its account is disabled."""
        account = self.accounts.find(grant.account) if grant else None
        if grant is None or account is None or not account.enabled:
            raise gone()
        return Holder(account=account, grant=grant)

    def _access_token(self, client: Client, grant_type: str, user: Holder | None, scope: str) -> str:
        """RFC 9068. Roles and organization are those of this moment."""
        now = self.store.now()
        claims: dict[str, Any] = {
            "iss": self.config.url,
            "aud": self.config.audience,
            "sub": user.account.id if user else client.id,
            "client_id": client.id,
            "iat": now,
            "exp": now + int(self.config.access_life.total_seconds()),
            "jti": secret_text(),
            "scope": scope,
            "roles": list(user.account.roles if user else client.roles),
        }
        organization = user.account.organization if user else client.organization
        if organization is not None:
            claims["organization"] = organization
        if user is not None and user.account.person is not None:
            claims["person"] = user.account.person
        if user is not None:
            claims |= {"auth_time": user.grant.auth_time, "amr": list(user.grant.amr), "sid": user.grant.id}
        grant = user.grant if user else None
        if not self.grants.save_token(claims["jti"], client_id=client.id, grant=grant, expires_at=claims["exp"]):
            raise gone()
        given = {"token": claims["jti"], "client": client.id, "account": user.account.id if user else None}
        self.store.tell("token.issued", {**given, "grant": grant.id if grant else None, "by": grant_type})
        key = self.keys.signing
        return jwt.encode({"alg": ALGORITHM, "typ": "at+jwt", "kid": key.kid}, claims, key)

    def _refresh_token(self, client: Client, grant_type: str, user: Holder, scope: str) -> str:
        return self.grants.save_refresh(user.grant)


class Asking:
    """What a client asks of a person: shown on the consent page. `max_age`: seconds since the login at most."""

    __slots__ = ("client", "max_age", "redirect_uri", "scopes")

    def __init__(self, client: Client, scopes: Sequence[str], redirect_uri: str, max_age: int | None) -> None:
        self.client = client
        self.scopes = tuple(scopes)
        self.redirect_uri = redirect_uri
        self.max_age = max_age


class _Iss(IssuerParameter):
    """RFC 9207: who answers, so that a client of two issuers cannot be made to mix them up."""

    def __init__(self, url: str) -> None:
        self._url = url

    def get_issuer(self) -> str:
        return self._url
