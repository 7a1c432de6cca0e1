"""Authlib's grants over the hub's register: the code with PKCE, the refresh that rotates, the client's own."""

from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc7636 import CodeChallenge

from hub.access.issuer.accounts import Account
from hub.access.issuer.grants import Code, Grant, Refresh

SECRET = ("client_secret_basic", "client_secret_post")
METHODS = (*SECRET, "none")
_CHALLENGE = 43  # characters of a SHA-256 in base64url


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """For whom a token is made: what Authlib hands around as its user."""

    account: Account
    grant: Grant


class CodeGrant(AuthorizationCodeGrant):
    """RFC 6749, 4.1."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def save_authorization_code(self, code: str, request: Any) -> None:
        given = request.payload.data
        self.server.grants.save_code(
            code, request.user, redirect_uri=given.get("redirect_uri"), challenge=given["code_challenge"]
        )

    def query_authorization_code(self, code: str, client: Any) -> Code | None:
        return self.server.grants.code(code, client.get_client_id())  # type: ignore[no-any-return]

    def authenticate_user(self, authorization_code: Code) -> Holder:
        """Takes the code, which no other request can any more."""
        return self.server.holder(self.server.grants.take_code(authorization_code))  # type: ignore[no-any-return]

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """It was taken above, and is remembered: a second use ends what came of it."""


class Pkce(CodeChallenge):
    """RFC 7636 for every client, with S256 alone: a challenge that is the verifier protects nobody."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def __init__(self) -> None:
        super().__init__(required=True)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        given = grant.request.payload.data
        if "code_challenge" not in given:
            raise InvalidRequestError("Missing 'code_challenge': PKCE is required.")
        if given.get("code_challenge_method") != "S256":
            raise InvalidRequestError("The only 'code_challenge_method' is S256.")
        super().validate_code_challenge(grant, redirect_uri)
        if len(given["code_challenge"]) != _CHALLENGE:
            raise InvalidRequestError("Invalid 'code_challenge'")


class Resource:
    """RFC 8707: the one resource that tokens are for, if the client names any."""

    def __init__(self, audience: str) -> None:
        self._audience = audience

    def __call__(self, grant: Any) -> None:
        grant.register_hook("after_validate_authorization_request_payload", self.check)
        grant.register_hook("after_validate_token_request", self.check)

    def check(self, grant: Any, _: object) -> None:
        wanted = grant.request.payload.datalist.get("resource", [])
        if any(one != self._audience for one in wanted):
            raise InvalidRequestError("The requested resource is unknown.", error="invalid_target")


class RefreshGrant(RefreshTokenGrant):
    """RFC 6749, 6, with rotation as RFC 9700, 4.14.2 has it."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Refresh | None:
        return self.server.grants.refresh(refresh_token)  # type: ignore[no-any-return]

    def authenticate_user(self, refresh_token: Refresh) -> Holder:
        """Takes the token, which no other request can any more."""
        return self.server.holder(self.server.grants.take_refresh(refresh_token))  # type: ignore[no-any-return]

    def revoke_old_credential(self, refresh_token: Refresh) -> None:
        """It was taken above, and is remembered: a second use ends the family."""


class CredentialsGrant(ClientCredentialsGrant):
    """RFC 6749, 4.4: confidential clients alone."""

    TOKEN_ENDPOINT_AUTH_METHODS = SECRET


def gone() -> InvalidGrantError:
    return InvalidGrantError("What was granted has ended; ask the person to log in again.")
