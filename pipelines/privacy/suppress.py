"""Suppression: from the unsuppressed aggregates to the open ones.

Belongs here: what of a row may be seen. Simple primary suppression by a minimum number of people; what a small row would give away (the value and
everything that it could be worked out from) becomes null and `suppression` says so, which keeps suppressed apart from missing and from zero.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

PEOPLE = ("n_subjects", "reference_n_subjects")  # a row shows no figure where either is too small: a difference gives the one away by the other
# of a class of one its graded work, and what is said of it, is that child's record
GRADED = ("n_assignments_graded", "n_assignments_graded_lately", "last_graded_due_date", "gradebook_state")
HIDDEN = ("numerator", "denominator", "value", "ci_low", "ci_high", "ci_method", "reference_value", "value_difference", *GRADED, *PEOPLE)
SUPPRESSION = "suppression"


def policy(min_n: int) -> str:
    """What decides which cells are hidden: the minimum and this very code, as a SHA-256. Where it changes, all that is published is hidden anew."""
    return hashlib.sha256(f"{min_n}".encode() + Path(__file__).read_bytes()).hexdigest()


def _small(columns: Sequence[str], min_n: int) -> str:
    """The condition that a row stands on too few people, or (two profiles of one figure side by side) that too few are in the one and not in the other."""
    few = [f"{c} < {int(min_n)}" for c in PEOPLE if c in columns]
    if set(PEOPLE) <= set(columns):
        few.append(f"abs({PEOPLE[0]} - {PEOPLE[1]}) between 1 and {int(min_n) - 1}")
    return " or ".join(f"coalesce({condition}, false)" for condition in few)


def hiding(columns: Sequence[str], min_n: int) -> tuple[str, str]:
    """For rows of an open mart that are carried over from an earlier publication: what to set, and on which rows, so that they obey today's minimum.

    Hidden stays hidden.
    """
    return ", ".join([f'"{c}" = null' for c in HIDDEN if c in columns] + [f"{SUPPRESSION} = 'primary'"]), _small(columns, min_n)


def suppressed_select(columns: Sequence[str], source: str, min_n: int) -> str:
    """A query giving `columns` of `source` and `suppression` (`none` or `primary`): rows that stand on fewer than `min_n` people show
    no figure.
    """
    if min_n < 1:
        raise ValueError("min_n must be at least 1")
    small = _small(columns, min_n)
    shown = [f'case when {small} then null else "{c}" end as "{c}"' if c in HIDDEN else f'"{c}"' for c in columns]
    return f"select {', '.join(shown)}, case when {small} then 'primary' else 'none' end as {SUPPRESSION} from {source}"
