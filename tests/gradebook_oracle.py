"""Gradebooks worked out again from the landing files, class by class in plain Python: what was due, what came of it, and whether the gradebook is in use.

Reads the files through `tests/oracle.py`, which shares no code with the pipeline. Dates are ISO text.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from tests.oracle import FOREVER, Oracle, later

COUNTS = ["n_assignments_due", "n_assignments_graded", "n_assignments_graded_lately"]
FIGURES = ["school_id", "gradebook_state", *COUNTS, "last_graded_due_date", "numerator", "denominator", "n_subjects"]


def seats_of(oracle: Oracle) -> dict[str, list[tuple[str, str, str]]]:
    """Of each class (student, first day, day after the last)."""
    seats: dict[str, list[tuple[str, str, str]]] = {}
    for r in oracle.roster("enrollments").query("role == 'student'").itertuples():
        seats.setdefault(r.classSourcedId, []).append((r.userSourcedId, r.beginDate or "0000", min(r.endDate or FOREVER, r.gone_on)))
    return seats


def was_graded(result: Any) -> bool:
    """Not where it is missing: the zero that a system entered is nobody's mark."""
    if result.scoreStatus == "not submitted" or getattr(result, "missing", "") == "true":
        return False
    return result.score != "" or result.scoreStatus in ("fully graded", "partially graded")


def gradebooks(oracle: Oracle, used_days: int = 14, used_items: int = 1) -> pd.DataFrame:
    """One row a class with students and a term so far, with FIGURES; a blank is none."""
    seats = seats_of(oracle)
    sessions = oracle.roster("academicSessions").set_index("sourcedId")
    results = {(r.lineItemSourcedId, r.studentSourcedId): r for r in oracle.roster("results").itertuples()}
    given: dict[str, list[tuple[str, str]]] = {}
    for item in oracle.roster("lineItems").itertuples():
        given.setdefault(item.classSourcedId, []).append((item.dueDate, item.sourcedId))
    of_item: dict[str, list[Any]] = {}
    for (item, _), result in results.items():
        of_item.setdefault(item, []).append(result)
    terms = oracle.dates[oracle.dates["term"] != ""].groupby("term")["date"].max()
    rows = []
    for c in oracle.roster("classes").itertuples():
        own = [sessions.loc[s.strip()] for s in c.termSourcedIds.split(",") if s.strip() in sessions.index]
        for start, end in terms.items():
            first = max([start, *([min(s["startDate"] for s in own)] if own else [])])
            last = min([oracle.as_of, end, *([later(max(s["endDate"] for s in own), -1)] if own else [])])  # a session is over on its end date
            some = [(s, min(later(gone, -1), last)) for s, begin, gone in seats.get(c.sourcedId, []) if begin < gone and begin <= last and gone > first]
            if first > last or not some:
                continue
            there = {s for s, until in some if until == max(until for _, until in some)}
            due = sorted((d, i) for d, i in given.get(c.sourcedId, []) if first <= d <= last)
            is_graded = {i: any(was_graded(r) for r in of_item.get(i, [])) for _, i in due}
            graded = [d for d, i in due if is_graded[i]]
            lately = [d for d in graded if later(d, used_days) > last]
            expected = found = 0
            fewest = len(there)
            for day, item in due:
                in_class = {s for s, begin, gone in seats[c.sourcedId] if begin <= day < gone}
                if in_class or is_graded[item]:
                    fewest = min(fewest, len(in_class))
                told = [results[item, s].scoreStatus for s in in_class if (item, s) in results]
                expected += len(in_class) - told.count("exempt")
                found += len(told) - told.count("exempt")
            if len(lately) >= used_items:
                state = "in use"
            elif later(first, used_days - 1) > last:
                state = "too early to say"
            elif lately:
                state = "little used"
            else:
                state = "no longer used" if graded else "not used"
            rows.append((c.sourcedId, start, c.schoolSourcedId, state, len(due), len(graded), len(lately), max(graded, default=""), found, expected, fewest))
    return pd.DataFrame(rows, columns=["section_id", "period_start", *FIGURES])
