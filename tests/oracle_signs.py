"""The early warning signs of a district that sends attendance and neither marks nor discipline, for `tests/oracle.py`."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

GRADES = ("06", "07", "08", "09", "10", "11", "12")
PROFILES = ("one_or_more", "two_or_more")


def early_warning(place: str, judged: pd.DataFrame) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    """Of students who have not left, judged on all their days in the district, from 20 days on: the sign of attendance, more than a tenth missed; and the
    signs together, of which one is known (none where there are too few days), so that nobody is judged by them.
    """
    upper = judged[judged["grade"].isin(GRADES)]
    sign = (upper["total_n"] * 10 > upper["total_d"]).astype(int)
    yield "early_warning_attendance", "abc", place, upper.assign(n=sign)
    known = upper["is_judged"].astype(int)
    for profile in PROFILES:
        yield "early_warning_flags", profile, place, upper.assign(n=0, total_n=sign * known * 1000, total_d=known * 1000, is_judged=False)
