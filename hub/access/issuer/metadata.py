"""What the issuer says of itself: RFC 8414."""

from collections.abc import Mapping

from hub.access.issuer.clients import CODE, CREDENTIALS, DEVICE, REFRESH
from hub.access.issuer.config import IssuerConfig

AUTHORIZE, TOKEN, JWKS = "/oauth/authorize", "/oauth/token", "/oauth/jwks.json"
REVOKE, INTROSPECT = "/oauth/revoke", "/oauth/introspect"
DEVICE_START, DEVICE_PAGE = "/oauth/device_authorization", "/oauth/device"
_SECRETS = ["client_secret_basic", "client_secret_post"]


def metadata(config: IssuerConfig) -> Mapping[str, object]:
    return {
        "issuer": config.url,
        "authorization_endpoint": config.at(AUTHORIZE),
        "token_endpoint": config.at(TOKEN),
        "jwks_uri": config.at(JWKS),
        "revocation_endpoint": config.at(REVOKE),
        "introspection_endpoint": config.at(INTROSPECT),
        "device_authorization_endpoint": config.at(DEVICE_START),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [CODE, REFRESH, CREDENTIALS, DEVICE],
        "token_endpoint_auth_methods_supported": [*_SECRETS, "none"],
        "revocation_endpoint_auth_methods_supported": [*_SECRETS, "none"],
        "introspection_endpoint_auth_methods_supported": _SECRETS,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "ui_locales_supported": ["zh", "en"],
    }
