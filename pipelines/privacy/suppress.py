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
# counts that add up to one another: where one is small and not nothing, none is shown, since the others give it away
PARTS = ("n_in_figure", "n_other_grades", "n_left", "n_never_attended", "n_too_few", "n_in_doubt", "n_no_data")
WHOLE = "n_enrolled"
FAMILY = ("figures_key", "group_family")  # and the groups of a family add up to the row of all
HIDDEN = ("numerator", "denominator", "value", "ci_low", "ci_high", "ci_method", "reference_value", "value_difference", *GRADED, *PEOPLE, *PARTS, WHOLE)
SUPPRESSION = "suppression"
# Another figure beside a row's own: its columns begin alike, and this one says in words why there is none, or no difference.
WHY_NOT = "_why_not"
_BESIDE = ("_n_subjects", "_value", "_change")
_HIDDEN_WORDS = "hidden: too few people"


def policy(min_n: int) -> str:
    """What decides which cells are hidden: the minimum and this very code, as a SHA-256. Where it changes, all that is published is hidden anew."""
    return hashlib.sha256(f"{min_n}".encode() + Path(__file__).read_bytes()).hexdigest()


def _small(columns: Sequence[str], min_n: int) -> str:
    """The condition that a row stands on too few people, or (two profiles of one figure side by side) that too few are in the one and not in the other."""
    few = [f"{c} < {int(min_n)}" for c in PEOPLE if c in columns]
    if set(PEOPLE) <= set(columns):
        few.append(f"abs({PEOPLE[0]} - {PEOPLE[1]}) between 1 and {int(min_n) - 1}")
    few += [f"{c} between 1 and {int(min_n) - 1}" for c in (*PARTS, WHOLE) if c in columns]
    return " or ".join(f"coalesce({condition}, false)" for condition in few)


def _others(columns: Sequence[str], min_n: int) -> dict[str, str]:
    """The figures that stand beside a row's own, by what their columns begin with, each with the condition that it is of too few people."""
    names = [c.removesuffix(WHY_NOT) for c in columns if c.endswith(WHY_NOT)]
    return {name: f"coalesce({name}_n_subjects < {int(min_n)}, false)" for name in names}


def _beside(columns: Sequence[str], min_n: int, small: str) -> dict[str, str]:
    """What is shown of the figures beside a row's own: nothing of one that is of too few people, or beside one that is."""
    shown: dict[str, str] = {}
    for name, few in _others(columns, min_n).items():
        shown |= {c: f'case when {small} or {few} then null else "{c}" end' for end in _BESIDE if (c := name + end) in columns}
        why = name + WHY_NOT
        shown[why] = f"case when {few} or ({small}) and {name}_n_subjects is not null then '{_HIDDEN_WORDS}' else \"{why}\" end"
    return shown


def hiding(columns: Sequence[str], min_n: int) -> tuple[str, str]:
    """For rows of an open mart that are carried over from an earlier publication: what to set, and on which rows, so that they obey today's minimum.

    Hidden stays hidden. Of counts that add up to those of other rows all are hidden: a statement that sees one row does not see the others.
    """
    small = _small(columns, min_n)
    others = _others(columns, min_n)
    if not others:
        which = "true" if _adds_up(columns) else small
        return ", ".join([f'"{c}" = null' for c in HIDDEN if c in columns] + [f"{SUPPRESSION} = 'primary'"]), which
    sets = {c: f'case when {small} then null else "{c}" end' for c in HIDDEN if c in columns} | _beside(columns, min_n, small)
    sets[SUPPRESSION] = f"case when {small} then 'primary' else {SUPPRESSION} end"
    return ", ".join(f'"{c}" = {expression}' for c, expression in sets.items()), " or ".join([small, *others.values()])


def _adds_up(columns: Sequence[str]) -> bool:
    return {*PARTS, *FAMILY} <= set(columns)


def suppressed_select(columns: Sequence[str], source: str, min_n: int) -> str:
    """A query giving `columns` of `source` and `suppression` (`none`, `primary` or `complementary`): rows that stand on fewer than `min_n` people show
    no figure, and where rows add up to others (`FAMILY`, all of which `source` has), none beside them does.
    """
    if min_n < 1:
        raise ValueError("min_n must be at least 1")
    small = _small(columns, min_n)
    beside = f"coalesce(bool_or({small}) over (partition by {', '.join(FAMILY)}), false)" if _adds_up(columns) else "false"
    others = _beside(columns, min_n, "_small")
    shown = [
        f'case when _small or _beside then null else "{c}" end as "{c}"' if c in HIDDEN else f'{others[c]} as "{c}"' if c in others else f'"{c}"'
        for c in columns
    ]
    why = "case when _small then 'primary' when _beside then 'complementary' else 'none' end"
    return f"select {', '.join(shown)}, {why} as {SUPPRESSION} from (select *, {small} as _small, {beside} as _beside from {source})"
