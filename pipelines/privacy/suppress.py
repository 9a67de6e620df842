"""Suppression: from the unsuppressed aggregates to the open ones.

Belongs here: what of a row may be seen. Simple primary suppression by a minimum number of people; what a small row would give away (the value and
everything that it could be worked out from) becomes null and `suppression` says so, which keeps suppressed apart from missing and from zero.
"""

from __future__ import annotations

from collections.abc import Sequence

HIDDEN = ("numerator", "denominator", "n_subjects", "value", "ci_low", "ci_high", "ci_method")
SUPPRESSION = "suppression"


def suppressed_select(columns: Sequence[str], source: str, min_n: int) -> str:
    """A query giving `columns` of `source` and `suppression` (`none` or `primary`): rows of fewer than `min_n` people show no figure."""
    if min_n < 1:
        raise ValueError("min_n must be at least 1")
    small = f"n_subjects < {int(min_n)}"
    shown = [f'case when {small} then null else "{c}" end as "{c}"' if c in HIDDEN else f'"{c}"' for c in columns]
    return f"select {', '.join(shown)}, case when {small} then 'primary' else 'none' end as {SUPPRESSION} from {source}"
