"""Which part of a resource is read next: change-version windows as pure functions.

Belongs here: deciding. An Ed-Fi server numbers every change; a window is the changes from one number to another, both included. The server answers
with the record as it is now: one that changes again after the window's end leaves it, and comes with the next window.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, Literal

Step = Literal["keyChanges", "upserts", "deletes", "full"]
CHANGES: tuple[Step, ...] = ("keyChanges", "upserts", "deletes")  # the order in which they are to be applied
WHOLE: tuple[Step, ...] = ("full",)


@dataclass(frozen=True)
class Versions:
    """What a server says of itself: changes from `oldest` are still known, `newest` is the last."""

    oldest: int
    newest: int


@dataclass(frozen=True)
class Window:
    """`low` none: the whole resource as it stands, whatever its versions. `high` none: the server keeps no versions."""

    low: int | None
    high: int | None

    @property
    def steps(self) -> tuple[Step, ...]:
        return WHOLE if self.low is None else CHANGES

    @property
    def label(self) -> str:
        return "all" if self.high is None else f"{self.low or 0}-{self.high}"

    @property
    def bounds(self) -> dict[str, str]:
        """The query that asks for it. A whole load has no upper bound: a record that changes while it is read would else be missing from it."""
        return {} if self.low is None else {"minChangeVersion": str(self.low), "maxChangeVersion": str(self.high)}


def plan(saved: int | None, versions: Versions | None, *, whole: bool = False) -> Window | None:
    """The next window after everything up to `saved` has landed; none where nothing is new.

    All of it where nothing has landed yet, where the server keeps no versions or has forgotten some that we lack, where its numbers have gone back
    (it was restored from a backup), and where `whole` asks for it.
    """
    if versions is None:
        return Window(None, None)
    if whole or saved is None or versions.newest < saved or saved < versions.oldest:
        return Window(None, versions.newest)
    return None if versions.newest == saved else Window(saved + 1, versions.newest)


@dataclass(frozen=True)
class Pending:
    """A window that was begun: `number` is its own among those of its day, `pages` how many lie ready by step.

    `step` is the place among the window's steps, `place` where in that step reading goes on ("" at its beginning).
    """

    window: Window
    rundate: date
    number: int
    page_size: int
    step: int = 0
    place: str = ""
    pages: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_read(self) -> bool:
        return self.step >= len(self.window.steps)

    def as_text(self) -> str:
        return json.dumps({**asdict(self), "rundate": self.rundate.isoformat()}, sort_keys=True)


def pending_of(text: str) -> Pending | None:
    """What `as_text` wrote; none for ""."""
    if not text:
        return None
    values: dict[str, Any] = json.loads(text)
    return Pending(**{**values, "window": Window(**values["window"]), "rundate": date.fromisoformat(values["rundate"])})


def still_holds(pending: Pending, versions: Versions | None, page_size: int) -> bool:
    """Whether an unfinished window can be gone on with: the server still knows all of it, and pages are as large as they were."""
    window = pending.window
    if pending.is_read:
        return True  # nothing more is asked of the server
    if pending.page_size != page_size or (window.high is None) != (versions is None):
        return False
    if versions is None or window.high is None:
        return True
    return window.high <= versions.newest and (window.low is None or versions.oldest < window.low)
