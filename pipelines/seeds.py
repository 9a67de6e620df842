"""The registry's seeds, for those who check what a district writes against them."""

from __future__ import annotations

import csv
from difflib import get_close_matches
from functools import cache
from pathlib import Path

_SEEDS = Path(__file__).resolve().parents[1] / "dbt_project" / "seeds"


@cache
def seed(name: str) -> tuple[dict[str, str], ...]:
    """The rows of one seed, text as written."""
    with (_SEEDS / f"{name}.csv").open(newline="", encoding="utf-8") as f:
        return tuple(csv.DictReader(f))


def did_you_mean(word: str, known: list[str]) -> str:
    """What to write instead of a word that is not known."""
    close = get_close_matches(word, known, 1)
    return f"did you mean {close[0]!r}?" if close else f"write one of {', '.join(known)}"
