"""Webhooks out of the park file, and what an operator's commands see and do of them."""

from collections.abc import AsyncIterator, Callable, Mapping

from hub.control import Line
from hub.errors import BadRequest, NotFound, SettingsError, nearest
from hub.live import delivery
from hub.live.declared import WebhookSection
from hub.live.delivery import Target
from hub.parts import Parts
from hub.settings import Settings
from hub.viewer import Viewer
from hub.web.telling import Webhook
from hub.web.webhooks import Webhooks, test

Arguments = Mapping[str, object]
SHOWN = 100


def webhooks_of(
    settings: Settings, purposes: Mapping[str, str], allowed: Mapping[str, tuple[str, ...]]
) -> tuple[Webhook, ...]:
    """`purposes`: each role's own; `allowed`: those that it may act for. Raises SettingsError for a secret that is not
    there or is none, and for a role or a purpose that the policies do not know."""
    found = []
    for number, section in enumerate(settings.webhooks):
        where = f"{settings.file}: webhook[{number}]"
        if section.role not in purposes:
            raise SettingsError(f"{where}.role: there is no role {section.role!r}; {nearest(section.role, purposes)}")
        purpose = section.purpose or purposes[section.role]
        if purpose not in allowed[section.role]:
            may = nearest(purpose, allowed[section.role])
            raise SettingsError(f"{where}.purpose: the role {section.role} does not act for {purpose!r}; {may}")
        found.append(_webhook(section, purpose, where))
    return tuple(found)


def _webhook(section: WebhookSection, purpose: str, where: str) -> Webhook:
    return Webhook(
        name=section.name,
        target=_target(section, where),
        viewer=Viewer(
            subject=f"webhook:{section.name}",
            roles=frozenset({section.role}),
            organization=section.organization,
            purpose=purpose,
            purposes=frozenset({purpose}),
        ),
        kinds=section.kinds,
        severities=tuple(one.value for one in section.severity),
        language=section.language,
        retry_seconds=section.retry_for.total_seconds(),
    )


def _target(section: WebhookSection, where: str) -> Target:
    """Raises SettingsError."""
    keys = []
    for name, secret in (("secret", section.secret), ("old_secret", section.old_secret)):
        if secret is not None:
            try:
                keys.append(delivery.key(secret.reveal().strip()))
            except (LookupError, ValueError) as error:
                raise SettingsError(f"{where}.{name}: {error}") from None
    seconds = section.timeout.total_seconds()
    return Target(url=section.url, keys=tuple(keys), internal=section.internal, seconds=seconds)


class HookDesk:
    """`running`: the hub's own, where one runs."""

    def __init__(self, parts: Parts, running: Webhooks | None) -> None:
        self._parts = parts
        self._running = running

    def operations(self) -> Mapping[str, Callable[[Arguments], AsyncIterator[Line]]]:
        return {
            "webhooks": self._list,
            "webhook-log": self._log,
            "webhook-dead-letters": self._dead_letters,
            "webhook-retry": self._retry,
            "webhook-test": self._test,
        }

    async def _list(self, arguments: Arguments) -> AsyncIterator[Line]:
        deliveries, head, epoch = self._parts.deliveries, self._parts.journal.head, self._parts.journal.epoch
        rows = []
        for section in self._parts.settings.webhooks:
            position = deliveries.position(section.name)
            behind = head - position[1] if position is not None and position[0] == epoch else None
            state = "the hub is not running"
            if self._running is not None:
                state, settled = self._running.state(section.name)
                behind = head - settled
            rows.append(
                {
                    "name": section.name,
                    "url": section.url,
                    "kinds": ", ".join(section.kinds),
                    "role": section.role,
                    "behind": behind,
                    "dead_letters": len(deliveries.letters(section.name)),
                    "state": state,
                }
            )
        yield {"result": {"rows": rows}}

    async def _log(self, arguments: Arguments) -> AsyncIterator[Line]:
        name = self._name(arguments) if arguments.get("name") else None
        rows = [
            {
                "webhook": webhook,
                "at": one.at,
                "type": one.type,
                "message": one.message,
                "outcome": one.outcome,
                "status": one.status,
                "milliseconds": one.milliseconds,
                "reason": one.reason,
            }
            for webhook, one in self._parts.deliveries.attempts(name, SHOWN)
        ]
        yield {"result": {"rows": rows}}

    async def _dead_letters(self, arguments: Arguments) -> AsyncIterator[Line]:
        name = self._name(arguments) if arguments.get("name") else None
        rows = [
            {"id": one.id, "webhook": one.webhook, "type": one.type, "at": one.given_up_at, "reason": one.reason}
            for one in self._parts.deliveries.letters(name)
        ]
        yield {"result": {"rows": rows}}

    async def _retry(self, arguments: Arguments) -> AsyncIterator[Line]:
        if self._running is None:
            raise BadRequest("only a running hub can tell an event again, by the rights of now: causeway serve")
        number = arguments.get("id")
        done = await self._running.retry(self._name(arguments), number if isinstance(number, int) else None)
        yield {"result": {"rows": [{"id": letter.id, "type": letter.type, "outcome": text} for letter, text in done]}}

    async def _test(self, arguments: Arguments) -> AsyncIterator[Line]:
        name = self._name(arguments)
        settings = self._parts.settings
        number, section = next((n, one) for n, one in enumerate(settings.webhooks) if one.name == name)
        webhook = _webhook(section, section.purpose or "", f"{settings.file}: webhook[{number}]")
        outcome = await test(webhook, self._parts.deliveries, self._parts.clock)
        if not outcome.delivered:
            raise BadRequest(f"{name} did not take it: {outcome.reason}")
        yield {"result": {"webhook": name, "status": outcome.status, "milliseconds": outcome.milliseconds}}

    def _name(self, arguments: Arguments) -> str:
        name, known = str(arguments.get("name")), [one.name for one in self._parts.settings.webhooks]
        if name not in known:
            raise NotFound(f"the park file has no webhook {name!r}; {nearest(name, known)}")
        return name
