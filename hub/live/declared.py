"""What the park file says of webhooks, and of the CAP feed."""

from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from adapters.secret import Secret
from graph_models.entities import Severity
from hub.live.addresses import refusal
from hub.sections import Duration, Section


class CapSection(Section):
    sender: str = Field(pattern=r"^[^\s,<&]+$")  # CAP's `sender`: who speaks, such as hub@park.example; never changed
    kept: Duration = timedelta(days=7)  # for so long after its end an incident stays in the feed


class WebhookSection(Section):
    name: str = Field(pattern=r"^[a-z][a-z0-9_-]*$")
    url: str  # gets a POST for each event; https, or http to this machine
    secret: Secret  # `whsec_` and 24 to 64 bytes in Base64, known to the receiver too
    old_secret: Secret | None = None  # signs as well while `secret` is being replaced
    kinds: tuple[Literal["alerts", "warnings", "incidents", "source_health"], ...] = Field(
        default=("alerts", "warnings", "incidents", "source_health"), min_length=1
    )  # what it is told of
    severity: tuple[Severity, ...] = ()  # of alerts and warnings, such as ["EXTREME", "SEVERE"]; none: all
    role: str  # it is told what the policies show to this role
    organization: str | None = None  # whose the receiver is, an entity's id, for policies that ask
    purpose: str | None = None  # none: the role's own
    language: Literal["zh", "en"] = "zh"  # of words that are made for a reader
    internal: bool = False  # true: it may be in a private network, and be reached without TLS
    timeout: Duration = timedelta(seconds=10)  # for connection, request and answer together
    retry_for: Duration = timedelta(days=1)  # an event that was not taken for so long becomes a dead letter

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if (wrong := refusal(self.url, internal=self.internal)) is not None:
            raise ValueError(f"url: {wrong}")
        return self
