"""What every block of a district's settings is: frozen, and without a name that nobody declared."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class SettingsError(Exception):
    """The district's settings cannot be used; the message names the file, the place and the remedy."""


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
