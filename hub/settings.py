"""The park file: every setting, read once, wrong ones refused with the key, the file and the nearest right key."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from adapters.contract import AdapterConfig, AnyDefinition
from adapters.registry import UnknownAdapter, find
from adapters.secret import OpenUrl, Secret, open_address
from hub.access.issuers import ALGORITHMS, Client, IssuerRules, is_trustworthy
from hub.errors import SettingsError, nearest
from hub.journal.named import PERSON_SCHEMES
from hub.live.declared import CapSection, WebhookSection
from hub.sections import Duration, Section, as_duration
from hub.units import Quantity
from hub.web.guard import is_loopback


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is no IANA time zone, such as Asia/Shanghai") from error
    return name


Zone = Annotated[str, AfterValidator(_zone)]


Leeway = Annotated[timedelta, BeforeValidator(as_duration), Field(ge=timedelta(0), le=timedelta(minutes=5))]


class Park(Section):
    name: str
    timezone: Zone = "Asia/Shanghai"  # for calendars and words; everything stored is UTC
    extent: float = Field(default=50_000, gt=0)  # metres within which all its places lie; an import refuses others
    geocodes: tuple[str, ...] = ()  # codes of the divisions that it lies in, such as 500112: warnings may name them
    key: Path = Path("park.key")  # beside the park file unless absolute; outside the state folder


class State(Section):
    dir: Path = Path("var")  # beside the park file unless absolute; one hub at a time


class JournalSection(Section):
    url: OpenUrl = Field(
        default="sqlite", pattern=r"^(sqlite|postgresql://.*)$"
    )  # `sqlite`, or `postgresql://USER@HOST/DB`
    keys_url: OpenUrl | None = None  # a database of its own for the key store; with PostgreSQL only
    password: Secret | None = None  # of the URL's user
    keys_password: Secret | None = None  # of the keys_url's user
    dead_letter_retention: Duration = timedelta(days=90)  # what could not be read is deleted after it
    command_retention: Duration = timedelta(days=30)  # for so long a repeated idempotencyKey gets the first answer


class AuditSection(Section):
    url: OpenUrl = Field(
        default="sqlite", pattern=r"^(sqlite|postgresql://.*)$"
    )  # `sqlite`, or `postgresql://USER@HOST/DB`: a database of its own, best with an owner of its own
    password: Secret | None = None  # where the URL names none
    key: Path = Path("audit.key")  # Ed25519, PEM; beside the park file unless absolute; outside the state folder
    checkpoint_entries: int = Field(default=1000, ge=1)  # after so many new entries the chain is signed
    checkpoint_every: Duration = timedelta(seconds=60)  # and after so long, where anything is new
    retention: Duration = timedelta(days=1096)  # of all; 3 years, as for records of provision to others
    log_retention: Duration = timedelta(days=184)  # then what showed nothing personal is emptied; 6 months, as for logs


class PrivacySection(Section):
    response_retention: Duration = timedelta(days=30)  # after an incident's close, of what was taken in for it alone


class GraphSection(Section):
    uri: OpenUrl | None = Field(default=None, pattern=r"^(neo4j|bolt)(\+s|\+ssc)?://.*$")  # none: the embedded engine
    user: str = "neo4j"
    password: Secret | None = None
    database: str | None = None


class LimitsSection(Section):
    tokens: int = Field(default=10_000, ge=100)  # of a document
    depth: int = Field(default=32, ge=1, le=100)  # levels of braces, fragments included
    fields: int = Field(default=5_000, ge=1)  # with every fragment written out; an alias counts like a field
    aliases: int = Field(default=250, ge=0)  # in a document
    duplicates: int = Field(default=100, ge=0)  # selections that stand a second time in the same braces
    directives: int = Field(default=100, ge=0)  # in a document
    values: int = Field(default=1_000_000, ge=1)  # of the largest answer that an operation could have: its cost
    budget: int = Field(default=100_000_000, ge=0)  # values that a client may ask for within the window; 0: any number
    window: Duration = timedelta(minutes=1)  # of the budget, which comes back evenly
    deadline: Duration = timedelta(seconds=20)  # of a query; what the graph does for it then ends too


class Web(Section):
    host: str = "127.0.0.1"  # loopback alone, unless an [[issuer]] is trusted
    port: int = Field(default=8000, ge=0, le=65535)  # 0: any free one
    url: str | None = Field(default=None, pattern=r"^https?://[^/?#]+$")  # as clients write it, behind a proxy
    introspection: bool = True  # false: the schema is told neither to who asks for it nor by suggestions in refusals
    upload_limit: int = Field(default=50_000_000, ge=1)  # bytes of a file that is sent by POST /uploads
    trusted_documents: Path | None = (
        None  # a manifest of operations that may be named by their id, beside the park file
    )
    only_trusted: bool = False  # true: no operation is run that the manifest does not hold
    limits: LimitsSection = LimitsSection()

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if self.only_trusted and self.trusted_documents is None:
            raise ValueError("only_trusted needs trusted_documents, or nothing could be asked")
        return self


class IntrospectionClient(Section):
    id: str  # as the issuer knows the hub
    secret: Secret  # of that account

    def client(self) -> Client:
        """Raises LookupError where the secret is not there."""
        return Client(id=self.id, secret=self.secret.reveal())


class IssuerSection(Section):
    url: str  # exactly as its tokens say in `iss`; https, or http on this machine
    audience: str  # what its tokens for this hub name in `aud`
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256", "EdDSA")  # that its tokens are signed by
    accept_plain_jwt: bool = False  # also tokens of typ JWT, where the issuer cannot say at+jwt
    roles_claim: str = "roles"  # where the roles are; a dotted path leads inward, such as realm_access.roles
    organization_claim: str | None = None  # where the organization is
    person_claim: str | None = None  # where it says who of the park's people the subject is: who is on duty is theirs
    person_scheme: str = "employee_number"  # what that is: an identifier scheme, or code (that they were entered under)
    person_organization: str | None = None  # whose numbers they are, as a source's organization; none: the park's own
    roles: dict[str, str] = Field(default_factory=dict)  # its word → the hub's role; none: they are the same
    organizations: dict[str, str] = Field(default_factory=dict)  # its word → the entity's id; none: they are the same
    leeway: Leeway = timedelta(seconds=30)  # between its clock and the hub's, at most five minutes
    introspect: Literal["no", "opaque", "all"] = "no"  # ask it about tokens that are no JWT, or about all: revocation
    client: IntrospectionClient | None = None  # the hub's own account there, to ask with
    dpop: Literal["allowed", "required"] = "allowed"  # required: only tokens that are bound to a key
    jwks_uri: str | None = None  # where its keys are, if it has no metadata

    @model_validator(mode="after")
    def _checked(self) -> Self:
        for name, given in (("url", self.url), ("jwks_uri", self.jwks_uri)):
            if given is not None and not is_trustworthy(given):
                raise ValueError(
                    f"{name} = {given!r}: https is needed, or http to 127.0.0.1; no user, query or fragment"
                )
        for name in sorted(set(self.algorithms) - ALGORITHMS.keys()):
            raise ValueError(f"algorithms: {name!r} is not taken; {nearest(name, ALGORITHMS)}")
        if self.person_scheme not in PERSON_SCHEMES:
            raise ValueError(
                f"person_scheme: there is no scheme {self.person_scheme!r}; "
                f"{nearest(self.person_scheme, PERSON_SCHEMES)}"
            )
        if self.introspect != "no" and self.client is None:
            raise ValueError("introspect needs `client`: the id and the secret that the issuer knows the hub by")
        return self

    def issuer(self) -> IssuerRules:
        """Raises LookupError where the client's secret is not there."""
        given = {name: getattr(self, name) for name in type(self).model_fields if name != "client"}
        given["algorithms"] = frozenset(self.algorithms)
        return IssuerRules(**given, client=self.client.client() if self.client else None)


class Accounts(Section):
    """The hub's own accounts and their login pages; an OAuth issuer for parks that have none."""

    url: str  # how browsers and clients reach the hub, such as https://hub.example; http for loopback alone
    audience: str | None = None  # whom the tokens are for; none: `url`
    access_life: Duration = timedelta(minutes=10)  # of an access token
    refresh_life: Duration = timedelta(hours=12)  # from a login; then one logs in again
    session_life: Duration = timedelta(hours=12)  # of a browser's login
    key_life: Duration = timedelta(days=30)  # a signing key is replaced after it

    @field_validator("url")
    @classmethod
    def _origin(cls, given: str) -> str:
        """RFC 8414, 2: https without query or fragment; ours has no path either, so that its metadata is found."""
        try:
            parts = urlsplit(given)
            bare = parts.hostname and not (parts.query or parts.fragment or parts.username or parts.path.strip("/"))
            safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        except ValueError:
            bare = safe = False
        if not bare or not safe:
            raise ValueError(
                f"{given!r} is no address of an issuer: https://HOST, or on this machine http://127.0.0.1:PORT"
            )
        return given.rstrip("/")


class Movement(Section):
    walking_speed: float = Field(default=1.2, gt=0, le=10)  # m/s; see docs/concepts.md for where the figures come from
    driving_speed: float = Field(default=5.5, gt=0, le=40)  # m/s, inside the park
    inside: float = Field(default=20.0, ge=0, le=10_000)  # m on foot for each step to a place without routes


class WarningSection(Section):
    threat_metres: float = Field(default=100.0, ge=0, le=1e5)  # of route that a grave alert reaches; see incidents.md


class BreakGlassSection(Section):
    fresh: Duration = timedelta(minutes=5)  # how old a login may be when the glass is broken; the token's auth_time
    longest: int = Field(default=60, ge=1, le=24 * 60)  # minutes that one may last
    second_persons: tuple[str, ...] = ("privacy_officer", "commander")  # roles that are told, end others' and review
    tell_url: str | None = Field(default=None, pattern=r"^https?://")  # gets a POST of JSON at once
    tell_command: tuple[str, ...] = ()  # a command line that gets the JSON on its standard input at once
    sealed_roles: tuple[str, ...] = ("commander",)  # what the code of a sealed envelope opens with
    sealed_purpose: str = "emergency"  # and for which purpose


class PoliciesSection(Section):
    dir: Path | None = None  # a folder of `*.cedar`, `roles.toml`, `sets.toml`; what it lacks is the hub's own


class QuantitySection(Section):
    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    unit: str  # UCUM: Cel, V, mA, %, [ppm]
    deadband: float = Field(default=0.0, ge=0)  # a change below it is not stored, until `heartbeat` has passed
    heartbeat: Duration = timedelta(seconds=60)  # an unchanged value is stored all the same
    retention: Duration = timedelta(days=90)  # older readings are deleted, the latest never

    def quantity(self) -> Quantity:
        return Quantity(**self.model_dump())


class SourceSection(Section):
    id: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    adapter: str  # as `causeway adapters list` names it
    every: Duration = timedelta(seconds=10)  # between two polls
    discover_every: Duration = timedelta(hours=1)  # between two looks at the whole set
    expect_within: Duration = timedelta(seconds=60)  # the promise; without data for longer its facts are stale
    max_skew: Duration = timedelta(minutes=5)  # a stamp further from receipt is not believed
    timezone: Zone = "UTC"  # of stamps without an offset
    coordinates: Literal["WGS-84", "GCJ-02", "BD-09"] = "WGS-84"
    precedence: int = 50  # of two sources that differ the higher is shown
    trusted_schemes: tuple[str, ...] = ()  # identifiers by which its things may be joined with others'
    organization: str | None = None  # the code of whose records it holds; none: the park's own
    buffered_history: bool = False  # old stamps are the device's buffer, not a wrong clock
    retire_guard: float = Field(default=0.3, ge=0, le=1)  # the share of its things that may vanish at once unasked
    dead_letters_per_hour: int = Field(default=10_000, ge=1)  # kept; past it they are only counted
    config: dict[str, object] = Field(default_factory=dict)  # the adapter's own settings


class ParkFile(Section):
    """The file as it is written."""

    rules: Path | None = None  # when to warn; beside the park file unless absolute
    park: Park
    state: State = State()
    journal: JournalSection = JournalSection()
    audit: AuditSection = AuditSection()
    graph: GraphSection = GraphSection()
    privacy: PrivacySection = PrivacySection()
    web: Web = Web()
    accounts: Accounts | None = None
    movement: Movement = Movement()
    warning: WarningSection = WarningSection()
    break_glass: BreakGlassSection = BreakGlassSection()
    policies: PoliciesSection = PoliciesSection()
    issuer: tuple[IssuerSection, ...] = ()
    webhook: tuple[WebhookSection, ...] = ()
    cap: CapSection | None = None  # opens the CAP feed of incidents
    quantity: tuple[QuantitySection, ...] = ()
    source: tuple[SourceSection, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfiguredSource:
    """A source's section with its adapter found and its config checked."""

    section: SourceSection
    definition: AnyDefinition
    config: AdapterConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The park file with its paths resolved and its sources' adapters found."""

    file: Path
    park: Park
    state_dir: Path
    park_key: Path
    journal: JournalSection
    audit: AuditSection
    audit_key: Path
    graph: GraphSection
    privacy: PrivacySection
    graph_from_environment: bool
    web: Web
    accounts: Accounts | None
    movement: Movement
    warning: WarningSection
    break_glass: BreakGlassSection
    policies: Path | None
    issuers: tuple[IssuerSection, ...]
    webhooks: tuple[WebhookSection, ...]
    cap: CapSection | None
    rules: Path | None
    quantities: Mapping[str, Quantity]
    sources: tuple[ConfiguredSource, ...]


def load(file: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Reads and checks the park file; raises SettingsError with everything that is wrong in it."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SettingsError(f"{file}: no such file. Write one, or name it with --config.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read: {error}") from error
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not TOML: {error}") from error
    try:
        parsed = ParkFile.model_validate(given)
    except ValidationError as error:
        raise SettingsError(_explain(file, error, given, ParkFile)) from error
    uri = environment.get("NEO4J_URI")
    if uri:
        try:
            open_address(uri)
        except ValueError as error:
            raise SettingsError(f"NEO4J_URI in the environment: {error}") from None
    graph = parsed.graph.model_copy(update={"uri": uri}) if uri else parsed.graph
    problems = [*_duplicates(parsed)]
    sources: list[ConfiguredSource] = []
    for number, section in enumerate(parsed.source):
        try:
            sources.append(_configured(section, file.resolve().parent))
        except UnknownAdapter as error:
            problems.append(f"source[{number}].adapter: {error}")
        except ValidationError as error:
            shown = _explain(file, error, section.config, find(section.adapter).config, f"source[{number}].config.")
            problems.append(shown.removeprefix(f"{file}: "))
    if problems:
        raise SettingsError("\n".join(f"{file}: {problem}" for problem in problems))
    base = file.resolve().parent
    return Settings(
        file=file,
        park=parsed.park,
        state_dir=base / parsed.state.dir,
        park_key=base / parsed.park.key,
        journal=parsed.journal,
        audit=parsed.audit,
        audit_key=base / parsed.audit.key,
        graph=graph,
        privacy=parsed.privacy,
        graph_from_environment=bool(uri),
        web=parsed.web,
        accounts=parsed.accounts,
        movement=parsed.movement,
        warning=parsed.warning,
        break_glass=parsed.break_glass,
        policies=base / parsed.policies.dir if parsed.policies.dir else None,
        issuers=parsed.issuer,
        webhooks=parsed.webhook,
        cap=parsed.cap,
        rules=base / parsed.rules if parsed.rules else None,
        quantities={q.name: q.quantity() for q in parsed.quantity},
        sources=tuple(sources),
    )


def _configured(section: SourceSection, folder: Path) -> ConfiguredSource:
    definition = find(section.adapter)
    config: AdapterConfig = definition.config.model_validate(section.config, context={"folder": folder})
    return ConfiguredSource(section=section, definition=definition, config=config)


def _duplicates(parsed: ParkFile) -> Iterator[str]:
    for what, names in (
        ("quantity name", [q.name for q in parsed.quantity]),
        ("source id", [s.id for s in parsed.source]),
        ("issuer url", [i.url for i in parsed.issuer]),
        ("webhook name", [w.name for w in parsed.webhook]),
    ):
        for name in sorted({n for n in names if names.count(n) > 1}):
            yield f"the {what} {name!r} stands twice"
    if any(s.id == "hub" for s in parsed.source):
        yield "a source cannot be called 'hub': the hub itself speaks under that name"


def _explain(file: Path, error: ValidationError, given: object, model: type[BaseModel], prefix: str = "") -> str:
    return "\n".join(
        f"{file}: {prefix}{_dotted(e['loc'])}: {_reason(e['type'], e['msg'], e['loc'], model)}" for e in error.errors()
    )


def _dotted(location: tuple[int | str, ...]) -> str:
    return "".join(f"[{x}]" if isinstance(x, int) else f".{x}" for x in location).removeprefix(".")


def _reason(kind: str, message: str, location: tuple[int | str, ...], model: type[BaseModel]) -> str:
    if kind != "extra_forbidden":
        return message.removeprefix("Value error, ")
    return f"there is no such key; {nearest(str(location[-1]), _keys_at(model, location[:-1]))}"


def _keys_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that the model at `location` knows; union members and indexes are walked through."""
    models = [model]
    for step in location:
        if isinstance(step, int):
            continue
        found = [m for x in models if step in x.model_fields for m in _models_in(x.model_fields[step].annotation)]
        models = found or models
    return [name for m in models for name in m.model_fields]


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for part in get_args(annotation) for m in _models_in(part)]
