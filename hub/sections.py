"""What every section of the park file is: frozen, without a key that is not known, its durations written as text."""

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from hub.units import duration


def as_duration(given: object) -> object:
    return duration(given) if isinstance(given, str) else given


Duration = Annotated[timedelta, BeforeValidator(as_duration), Field(gt=timedelta(0))]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
