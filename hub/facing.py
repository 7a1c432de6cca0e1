"""What the web face is told at its start, out of the park file."""

from zoneinfo import ZoneInfo

from hub.settings import Settings, Web
from hub.web import documents
from hub.web.cap import CapConfig
from hub.web.cap_message import Sender
from hub.web.config import WebConfig
from hub.web.documents import Documents
from hub.web.limits import Limits


def face(settings: Settings) -> WebConfig:
    """Raises SettingsError for a manifest of trusted documents that cannot be read."""
    web = settings.web
    manifest = documents.read(settings.file.parent / web.trusted_documents) if web.trusted_documents else {}
    return WebConfig(
        host=web.host,
        port=web.port,
        url=public_url(settings),
        introspection=web.introspection,
        limits=limits_of(web),
        documents=Documents.of(manifest, only=web.only_trusted),
    )


def cap_of(settings: Settings) -> CapConfig | None:
    """None where the park file does not open the feed."""
    section = settings.cap
    if section is None:
        return None
    zone = ZoneInfo(settings.park.timezone)
    return CapConfig(sender=Sender(id=section.sender, name=settings.park.name, timezone=zone), kept=section.kept)


def limits_of(web: Web) -> Limits:
    given = web.limits
    return Limits(
        tokens=given.tokens,
        depth=given.depth,
        fields=given.fields,
        aliases=given.aliases,
        duplicates=given.duplicates,
        directives=given.directives,
        values=given.values,
        budget=given.budget,
        window_seconds=given.window.total_seconds(),
        deadline_seconds=given.deadline.total_seconds(),
    )


def public_url(settings: Settings) -> str | None:
    return settings.web.url or (settings.accounts.url if settings.accounts else None)
