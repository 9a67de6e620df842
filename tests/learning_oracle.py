"""What assessments say of each student's learning, worked out from a district's files in plain Python with exact fractions. Nothing of it is read from the
pipeline: the definitions stand here a second time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import ceil, floor

import pandas as pd

Flag = tuple[float, float, bool | None]  # numerator, denominator and flag of a student's row
Student = tuple[str, list[tuple[str, date, date]]]  # grade, and stays: school, first day, day after the last one
FAR, FAST, REPAIRED_FROM, SHORT, OVER = 2, 2, 1, Fraction(1, 2), 1  # levels
PACE_DAYS = 60


@dataclass(frozen=True)
class Result:
    student: str
    assessment: str
    on: date
    subject: str
    level: Fraction | None
    is_proficient: bool | None


@dataclass(frozen=True)
class Learning:
    """A district on a day. `kinds` says of an assessment and subject the area and kind, `levels` of these and a grade what is expected at the start and end."""

    students: Mapping[str, Student]
    results: list[Result]
    kinds: Mapping[tuple[str, str], tuple[str, str]]
    levels: Mapping[tuple[str, str, str], tuple[Fraction, Fraction]]
    year: tuple[date, date]
    evidence_days: int
    as_of: date
    last_school_day: date

    def flags(self) -> dict[tuple[str, str], dict[str, Flag]]:
        """By indicator and profile the row of each student, all schools together."""
        found: dict[tuple[str, str], dict[str, Flag]] = defaultdict(dict)
        for student in self.students:
            for area in ("mathematics", "reading"):
                for (name, profile), row in self._of_area(student, area).items():
                    found[f"{name}_{area}", profile][student] = row
        return dict(found)

    def cells(self) -> pd.DataFrame:
        """Every cell of all students: indicator_id, school ("" the district), grade ("" all), numerator, denominator."""
        rows = []
        for (indicator, _), students in self.flags().items():
            for s, (n, d, flag) in students.items():
                if flag is None and (not d or not indicator.startswith("level_gain")):
                    continue
                value = n if indicator.startswith("level_gain") else float(bool(flag))
                rows += [(indicator, school, grade, value) for school in ("", *self._at(indicator, s)) for grade in ("", self.students[s][0])]
        frame = pd.DataFrame(rows, columns=["indicator_id", "school", "grade", "value"])
        cells = frame.groupby(["indicator_id", "school", "grade"])["value"].agg(numerator="sum", denominator="count").reset_index()
        return cells.round({"numerator": 3})

    # ---- one student in one area ----

    def results_of(self, student: str, area: str) -> list[Result]:
        mine = [r for r in self.results if r.student == student and r.on <= self.as_of and self.kinds.get((r.assessment, r.subject), ("", ""))[0] == area]
        return sorted(mine, key=lambda r: (r.on, r.assessment, r.subject))

    def _is_continuum(self, r: Result) -> bool:
        return any((a, s) == (r.assessment, r.subject) for a, s, _ in self.levels)

    def _behind(self, r: Result) -> Fraction | None:
        """In whole thousandths of a level, rounded down."""
        line = self.levels.get((r.assessment, r.subject, self.students[r.student][0]))
        if line is None or r.level is None:
            return None
        start, end = line
        expected = start + (end - start) * Fraction((r.on - self.year[0]).days, (self.year[1] - self.year[0]).days)
        return Fraction(floor(max(Fraction(0), expected - r.level) * 1000), 1000)

    def _of_area(self, student: str, area: str) -> dict[tuple[str, str], Flag]:
        mine = self.results_of(student, area)
        grade, stays = self.students[student]
        is_asked = any(self.kinds[a, s][0] == area and g == grade for a, s, g in self.levels) and any(begin <= self.as_of for _, begin, _ in stays)
        rows: dict[tuple[str, str], Flag] = {}
        behind = [(r.on, -gap) for r in mine if (gap := self._behind(r)) is not None]
        if behind:
            gap = -max(behind)[1]
            rows["far_behind", "two_or_more"] = (float(gap), 1, gap >= FAR)
        elif is_asked:
            rows["far_behind", "two_or_more"] = (0, 0, None)
        pair = self.pair(mine)
        if pair:
            first, last = pair
            assert first.level is not None
            assert last.level is not None
            gain = last.level - first.level
            rows["level_gain", "standard"] = (float(gain), 1, None)
            rows["advancing_fast", "two_levels"] = (float(max(gain, Fraction(0))), 1, gain >= FAST)
            was, now = self._behind(first), self._behind(last)
            if was:
                assert now is not None
                up = max(Fraction(0), was - now)
                rows["gap_repair", "any_gain"] = (float(up), float(was), up > 0 if was >= REPAIRED_FROM else None)
        elif is_asked:
            rows["advancing_fast", "two_levels"] = (0, 0, None)
        leads_to = self._finish(mine)
        if leads_to is not None:
            short, over = (Fraction(floor(max(Fraction(0), side) * 1000), 1000) for side in (-leads_to, leads_to))
            rows["behind_pace", "half_a_level"] = (float(short), 1, short >= SHORT)
            rows["ahead_of_pace", "one_level"] = (float(over), 1, over >= OVER)
        elif is_asked:
            rows["behind_pace", "half_a_level"] = rows["ahead_of_pace", "one_level"] = (0, 0, None)
        for kind in ("formative", "summative"):
            judged = [(r.on, r.is_proficient) for r in mine if self.kinds[r.assessment, r.subject][1] == kind and r.is_proficient is not None]
            if judged:
                is_proficient = max(judged)[1]
                rows[f"proficient_{kind}", "standard"] = (float(is_proficient), 1, is_proficient)
        if is_asked:
            late = self._since(student, mine) + timedelta(self.evidence_days) <= self._known_to(student)
            rows["no_new_evidence", "standard"] = (float(late), 1, late)
        return rows

    def leveled(self, mine: list[Result]) -> list[Result]:
        return [r for r in mine if self._behind(r) is not None]

    def _finish(self, mine: list[Result]) -> Fraction | None:
        """What the present pace leads to at the end of the school year, above what is expected of the grade then."""
        pair = self.pair(self.leveled(mine), PACE_DAYS)
        if pair is None:
            return None
        first, last = pair
        assert first.level is not None
        assert last.level is not None
        end = self.levels[last.assessment, last.subject, self.students[last.student][0]][1]
        a_day = (last.level - first.level) / (last.on - first.on).days
        return last.level + a_day * (self.year[1] - last.on).days - end

    def finish_date(self, student: str, area: str) -> date | None:
        """When the level expected at the end of the year is reached at the present pace; of who is there already, the day of the last result."""
        pair = self.pair(self.leveled(self.results_of(student, area)), PACE_DAYS)
        if pair is None:
            return None
        first, last = pair
        assert first.level is not None
        assert last.level is not None
        to_go = self.levels[last.assessment, last.subject, self.students[student][0]][1] - last.level
        if to_go <= 0:
            return last.on
        gained = last.level - first.level
        return last.on + timedelta(ceil(to_go * (last.on - first.on).days / gained)) if gained > 0 else None

    def pair(self, mine: list[Result], apart: int = 1) -> tuple[Result, Result] | None:
        """The last result that has an earlier one on the same assessment so many days before, after the first of these."""
        pairs = []
        for last in mine:
            before = [r for r in mine if (r.assessment, r.subject) == (last.assessment, last.subject) and r.level is not None and r.on < last.on]
            if self._is_continuum(last) and last.level is not None and before and (last.on - before[0].on).days >= apart:
                pairs.append((last.on, -before[0].on.toordinal(), last.level - before[0].level, before[0], last))  # type: ignore[operator]
        return max(pairs, key=lambda p: p[:3])[3:] if pairs else None

    def _since(self, student: str, mine: list[Result]) -> date:
        return max([self._came_on(student), *(r.on for r in mine)])

    def _is_there(self, student: str, on: date) -> bool:
        return any(begin <= on < end for _, begin, end in self.students[student][1])

    def _came_on(self, student: str) -> date:
        """The first of the days without a break, at whatever schools, that lead to the last day on which the student was at school so far."""
        day = min(self.as_of, self.year[1])
        while not self._is_there(student, day):
            day -= timedelta(1)
        while day > self.year[0] and self._is_there(student, day - timedelta(1)):
            day -= timedelta(1)
        return day

    def _known_to(self, student: str) -> date:
        return min(self.as_of, self.last_school_day, max(end for _, begin, end in self.students[student][1] if begin <= self.as_of) - timedelta(1))

    # ---- at which schools a student counts ----

    def _at(self, indicator: str, student: str) -> set[str]:
        """At each school attended; what is of results alone at the school of the day of the last one."""
        area = indicator.rsplit("_", 1)[1]
        stays = self.students[student][1]
        if indicator.startswith(("far_behind", "advancing_fast", "behind_pace", "ahead_of_pace", "no_new_evidence")) and "no_new_evidence_" + area in {
            i for i, _ in self._asked(student)
        }:
            return {school for school, begin, _ in stays if begin <= self.as_of}
        mine = self.results_of(student, area)
        if indicator.startswith("proficient"):
            kind = indicator.split("_")[1]
            day = max(r.on for r in mine if self.kinds[r.assessment, r.subject][1] == kind and r.is_proficient is not None)
        elif indicator.startswith("far_behind"):
            day = max(r.on for r in mine if self._behind(r) is not None)
        else:
            pair = self.pair(mine) if not indicator.startswith(("behind_pace", "ahead_of_pace")) else self.pair(self.leveled(mine), PACE_DAYS)
            assert pair
            day = pair[1].on
        return {school for school, begin, end in stays if begin <= day < end}

    def _asked(self, student: str) -> list[tuple[str, str]]:
        return [(f"{name}_{area}", profile) for area in ("mathematics", "reading") for name, profile in self._of_area(student, area)]
