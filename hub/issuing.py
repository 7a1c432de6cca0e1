"""Operators' work on the hub's own accounts and clients, for `causeway users` and `causeway clients`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from hub.access.audit.audit import Audit
from hub.access.issuer.accounts import Account
from hub.access.issuer.clients import CODE, CREDENTIALS, DEVICE, REFRESH, Client
from hub.access.issuer.issuer import Issuer
from hub.auditing import happened
from hub.control import Line
from hub.errors import AuditUnavailable, BadRequest
from hub.parts import Parts

Arguments = Mapping[str, object]
GRANTS = {"code": CODE, "refresh": REFRESH, "credentials": CREDENTIALS, "device": DEVICE}
_CHANGES = {
    "add-user": "account.added",
    "enable-user": "account.enabled",
    "set-password": "account.password_set",
    "set-totp": "account.second_factor_set",
    "set-roles": "account.roles_set",
    "add-client": "client.added",
    "renew-client-secret": "client.secret_renewed",
    "remove-client": "client.removed",
}
_NAMES = {grant: name for name, grant in GRANTS.items()}


def operations(parts: Parts, audit: Audit | None) -> Mapping[str, Callable[[Arguments], AsyncIterator[Line]]]:
    """By the names under which the commands ask for them."""
    return {
        name: _told(parts, audit, name, work)
        for name, work in {
            "users": _users,
            "add-user": _add_user,
            "enable-user": _enable_user,
            "set-password": _set_password,
            "set-totp": _set_totp,
            "set-roles": _set_roles,
            "clients": _clients,
            "add-client": _add_client,
            "renew-client-secret": _renew_secret,
            "remove-client": _remove_client,
        }.items()
    }


def _told(
    parts: Parts, audit: Audit | None, name: str, work: Callable[[Issuer, Arguments], Mapping[str, object]]
) -> Callable[[Arguments], AsyncIterator[Line]]:
    async def run(arguments: Arguments) -> AsyncIterator[Line]:
        issuer = parts.issuer
        if issuer is None:
            raise BadRequest(
                f'{parts.settings.file} has no [accounts]: add it with url = "https://…", or on this machine '
                '"http://127.0.0.1:8000", and start the hub anew'
            )
        if person := arguments.get("person"):
            await _check_person(parts, str(person))
        result = await asyncio.to_thread(work, issuer, arguments)
        if name in _CHANGES:
            try:
                await happened(parts, audit, _CHANGES[name], _about(arguments))
            except AuditUnavailable as error:  # whoever is to be shut out is shut out all the same
                yield {"progress": f"it is done; the audit does not have it: {error.message}"}
        yield {"result": result}

    return run


async def _check_person(parts: Parts, id_: str) -> None:
    kinds = await parts.journal.kinds_of([id_])
    if "Person" not in kinds.get(id_, ()):
        what = f"{id_!r} is {' and '.join(sorted(kinds[id_]))}" if kinds.get(id_) else f"the park knows no {id_!r}"
        raise BadRequest(f"{what}: give the id of a person, as the query people shows it")


def _about(arguments: Arguments) -> Mapping[str, str | None]:
    """What a row of the audit says of a change: never its password."""
    roles = arguments.get("roles")
    said = {name: arguments.get(name) for name in ("name", "id", "organization", "person", "enabled", "off")}
    about = {name: str(value) for name, value in said.items() if value is not None and value != ""}
    return about | ({"roles": " ".join(map(str, roles))} if isinstance(roles, list) and roles else {})


def _users(issuer: Issuer, arguments: Arguments) -> Mapping[str, object]:
    return {"rows": [_account_row(one) for one in issuer.accounts.all()]}


def _add_user(issuer: Issuer, arguments: Arguments) -> Mapping[str, object]:
    organization, person = arguments.get("organization"), arguments.get("person")
    added = issuer.accounts.add(
        _text(arguments, "name"),
        _text(arguments, "password"),
        roles=_texts(arguments, "roles"),
        organization=str(organization) if organization else None,
        person=str(person) if person else None,
    )
    return _account_row(added)


def _enable_user(issuer: Issuer, arguments: Arguments) -> Mapping[str, object]:
    return _account_row(issuer.accounts.enable(_text(arguments, "name"), enabled=arguments.get("enabled") is True))


def _set_password(issuer: Issuer, arguments: Arguments) -> Mapping[str, object]:
    changed = issuer.accounts.set_password(_text(arguments, "name"), _text(arguments, "password"))
    return {"name": changed.name, "password": "set; what was given under the old one has ended"}


def _set_totp(issuer: Issuer, arguments: Arguments) -> Mapping[str, object]:
    name = _text(arguments, "name")
    if arguments.get("off") is True:
        return _account_row(issuer.accounts.end_totp(name))
    return {"otpauth": issuer.accounts.begin_totp(name), "now": "give it to an authenticator; it is not shown again"}


def _set_roles(issuer: Issuer, arguments: Arguments) -> Mapping[str, object]:
    """Without `organization` or `person` they stay; an empty one takes it away."""
    account = issuer.accounts.named(_text(arguments, "name"))

    def now(name: str, before: str | None) -> str | None:
        given = arguments.get(name)
        return before if given is None else str(given) or None

    organization, person = now("organization", account.organization), now("person", account.person)
    return _account_row(issuer.accounts.set_roles(account.name, _texts(arguments, "roles"), organization, person))


def _clients(issuer: Issuer, arguments: Arguments) -> Mapping[str, object]:
    return {"rows": [_client_row(one) for one in issuer.clients.all()]}


def _add_client(issuer: Issuer, arguments: Arguments) -> Mapping[str, object]:
    confidential = arguments.get("confidential") is True
    introspects = arguments.get("introspects") is True
    uris = tuple(_texts(arguments, "redirect_uris"))
    usual = ("code", "refresh") if uris else () if introspects else ("credentials",)
    organization = arguments.get("organization")
    client = Client(
        id=_text(arguments, "id"),
        name=str(arguments.get("name") or _text(arguments, "id")),
        secret=b"" if confidential else None,
        native=arguments.get("native") is True,
        introspects=introspects,
        redirect_uris=uris,
        grants=frozenset(_grant(name) for name in _texts(arguments, "grants") or usual),
        scopes=tuple(_texts(arguments, "scopes")),
        roles=tuple(_texts(arguments, "roles")),
        organization=str(organization) if organization else None,
    )
    secret = issuer.clients.add(client)
    shown = {"secret": secret, "now": "keep the secret; it is not shown again"} if secret else {}
    return {**_client_row(client), **shown}


def _renew_secret(issuer: Issuer, arguments: Arguments) -> Mapping[str, object]:
    secret = issuer.clients.renew_secret(_text(arguments, "id"))
    return {"id": _text(arguments, "id"), "secret": secret, "now": "keep the secret; it is not shown again"}


def _remove_client(issuer: Issuer, arguments: Arguments) -> Mapping[str, object]:
    issuer.clients.remove(_text(arguments, "id"))
    return {"id": _text(arguments, "id"), "removed": "it, and all that it was given"}


def _account_row(one: Account) -> Mapping[str, object]:
    return {
        "name": one.name,
        "id": one.id,
        "roles": ", ".join(one.roles),
        "organization": one.organization,
        "person": one.person,
        "second_factor": "yes" if one.second_factor else "no",
        "enabled": "yes" if one.enabled else "no",
    }


def _client_row(one: Client) -> Mapping[str, object]:
    kind = "native" if one.native else "public" if one.public else "confidential"
    return {
        "id": one.id,
        "name": one.name,
        "kind": f"{kind}, introspects" if one.introspects else kind,
        "grants": ", ".join(sorted(_NAMES[grant] for grant in one.grants)),
        "scopes": " ".join(one.scopes),
        "redirect_uris": " ".join(one.redirect_uris),
        "roles": ", ".join(one.roles),
        "organization": one.organization,
    }


def _grant(name: str) -> str:
    if name not in GRANTS:
        raise BadRequest(f"{name!r} is no grant; there are {', '.join(GRANTS)}")
    return GRANTS[name]


def _text(arguments: Arguments, name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"the argument {name} is missing")
    return value


def _texts(arguments: Arguments, name: str) -> Sequence[str]:
    value = arguments.get(name) or []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadRequest(f"the argument {name} is no list of texts")
    return value
