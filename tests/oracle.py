"""The indicators worked out again from the landing files, with pandas alone.

Shares no code with the pipeline: it has its own reading of OneRoster packages, enrollment, calendars, groups, terms and weeks. Dates are ISO text.
Attendance counts thousandths of a day, scores count half points, so that every comparison is of whole numbers.
"""

from __future__ import annotations

import csv
import io
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import pandas as pd

from tests import oracle_learning, oracle_marks, survey_oracle
from tests.oracle_days import daily_averages, days_in_session, days_of_year
from tests.oracle_signs import early_warning, in_a_row

FOREVER = "9999-12-31"
STATUS_FAMILIES = ("english_learner", "disability", "economic_disadvantage", "homeless", "foster")
FAMILIES = (*STATUS_FAMILIES, "race_ethnicity", "gender")
RACES = {
    "americanIndianOrAlaskaNative": "american_indian_or_alaska_native", "asian": "asian", "blackOrAfricanAmerican": "black_or_african_american",
    "nativeHawaiianOrOtherPacificIslander": "native_hawaiian_or_other_pacific_islander", "white": "white",
}  # fmt: skip
MEANS = (*survey_oracle.MEANS, oracle_marks.AVERAGE, *oracle_learning.MEANS)  # over people
THOUSANDTHS = {"attendance_rate": 1000, "tardy_rate": 1000, "weighted_missing_work": 10, **dict.fromkeys(MEANS, 1000)}
CELL = ["school_id", "grade_level", "group_family", "group_value", "period_type", "period_start", "indicator_id", "profile_id"]
PERSON = ["student_key", "school_id", "period_type", "period_start", "indicator_id", "profile_id"]


def later(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def us(text: str) -> str:
    """A date written 08/18/2025, as ISO."""
    month, day, year = text.split("/")
    return f"{year}-{int(month):02d}-{int(day):02d}"


@dataclass
class Oracle:
    """A district's files up to a date. `without_lines` and `without_files` are what should not have been accepted."""

    folder: Path
    as_of: str
    without_lines: set[tuple[str, int]] = field(default_factory=set)
    without_files: set[str] = field(default_factory=set)

    # ---- files ----

    def _paths(self, pattern: str) -> Iterator[tuple[str, str, Path]]:
        """(business date, name, path) of the files to read, in order of date, then name."""
        landing = self.folder / "landing"
        found = []
        for path in landing.glob(pattern):
            name = path.relative_to(landing).as_posix()
            day = path.parent.name if name.startswith("oneroster") else next(p for p in path.stem.split("_") if p[:2] == "20")
            if day <= self.as_of and name not in self.without_files:
                found.append((day, name, path))
        return iter(sorted(found))

    def _table(self, name: str, data: bytes) -> pd.DataFrame:
        rows = pd.read_csv(io.BytesIO(data), dtype=str, keep_default_na=False)
        rows["_accepted"] = [(name, k + 2) not in self.without_lines for k in range(len(rows))]
        return rows

    @cached_property
    def _packages(self) -> dict[str, list[tuple[str, str, pd.DataFrame]]]:
        """By OneRoster file: (business date, bulk or delta, rows), in order."""
        found: dict[str, list[tuple[str, str, pd.DataFrame]]] = {}
        for day, name, path in self._paths("oneroster/*/*.zip"):
            with zipfile.ZipFile(path) as package:
                modes = dict(csv.reader(io.TextIOWrapper(package.open("manifest.csv"), "utf-8")))
                for entry in package.namelist():
                    if entry != "manifest.csv":
                        rows = self._table(f"{name}!{entry}", package.read(entry))
                        found.setdefault(entry.removesuffix(".csv"), []).append((day, modes[f"file.{entry.removesuffix('.csv')}"], rows))
        return found

    @staticmethod
    def _merged(files: Iterable[tuple[str, str, pd.DataFrame]], key: list[str], *, gone_is_over: bool = False) -> pd.DataFrame:
        """What is known after all files. A whole file forgets what it lacks or, where `gone_is_over`, ends it that day (column `gone_on`).

        A line that was not accepted changes nothing, and its key is not lacking.
        """
        known: dict[tuple[str, ...], dict[str, str]] = {}
        for day, mode, rows in files:
            named = set()
            for row in rows.to_dict("records"):
                identity = tuple(row[k] for k in key)
                named.add(identity)
                if not row["_accepted"]:
                    continue
                if row.get("status") == "tobedeleted":
                    known.pop(identity, None)
                else:
                    known[identity] = {**row, "gone_on": FOREVER}
            if mode == "bulk":
                for identity in [i for i in known if i not in named]:
                    if gone_is_over:
                        known[identity]["gone_on"] = min(day, known[identity]["gone_on"])
                    else:
                        del known[identity]
        return pd.DataFrame(list(known.values()))

    def roster(self, file: str) -> pd.DataFrame:
        return self._merged(self._packages[file], ["sourcedId"], gone_is_over=file in ("roles", "enrollments"))

    # ---- days ----

    @cached_property
    def _settings(self) -> dict[str, object]:
        return tomllib.loads((self.folder / "district.toml").read_text(encoding="utf-8"))

    @cached_property
    def dates(self) -> pd.DataFrame:
        """Every day of the school year: week (Monday), month, term start, year start, and the week piece that it is in."""
        (year,) = self._settings["school_years"]  # type: ignore[misc]  # these districts have one
        return days_of_year(year)

    @cached_property
    def calendar(self) -> pd.DataFrame:
        """Every day in session, of the year to come too, as the newest calendar has it."""
        files = [(day, "bulk", self._table(name, path.read_bytes())) for day, name, path in self._paths("calendar/*.csv")]
        rows = self._merged(files, ["School Number", "Date"])
        return rows[rows["Day Type"].isin(["I", "M"])]

    @cached_property
    def school_days(self) -> set[tuple[str, str]]:
        """(school, date) of every day in session up to now."""
        rows = self.calendar[self.calendar["Date"] <= self.as_of]
        return set(zip(rows["School Number"], rows["Date"], strict=True))

    @cached_property
    def here(self) -> set[str]:
        """Students with a stay that is not over, or that ended after the last day of school there."""
        last = self.calendar.groupby("School Number")["Date"].max()
        return {student for student, school, begin, end in self.stints if begin <= self.as_of and (end > self.as_of or end > last.get(school, FOREVER))}

    # ---- people ----

    @cached_property
    def students(self) -> pd.DataFrame:
        """Grade, race and gender by student."""
        roles, users, told = self.roster("roles"), self.roster("users").set_index("sourcedId"), self.roster("demographics").set_index("sourcedId")
        rows = []
        for student in sorted(set(roles.loc[roles["role"] == "student", "userSourcedId"])):
            grade = users.at[student, "grades"].split(",")[0] if student in users.index else ""
            about = told.loc[student] if student in told.index else None
            rows.append({"student": student, "grade": grade or "unknown", "race_ethnicity": self._race(about),
                         "gender": (about["sex"] if about is not None else "") or "unknown"})  # fmt: skip
        return pd.DataFrame(rows)

    @staticmethod
    def _race(about: pd.Series | None) -> str:
        if about is None:
            return "unknown"
        if about["hispanicOrLatinoEthnicity"] == "true":
            return "hispanic_or_latino"
        named = [ours for theirs, ours in RACES.items() if about[theirs] == "true"]
        if about["demographicRaceTwoOrMoreRaces"] == "true" or len(named) > 1:
            return "two_or_more_races"
        return named[0] if named else "unknown"

    @cached_property
    def stints(self) -> list[tuple[str, str, str, str]]:
        """(student, school, first day, day after the last)."""
        roles = self.roster("roles").query("role == 'student'")
        return [(r.userSourcedId, r.orgSourcedId, r.beginDate, min(r.endDate or FOREVER, r.gone_on)) for r in roles.itertuples()]

    @cached_property
    def programs(self) -> pd.DataFrame:
        """Stays in a group: student, family, first day, day after the last."""
        files = [(day, "bulk", self._table(name, path.read_bytes())) for day, name, path in self._paths("programs/*.csv")]
        rows = self._merged(files, ["Student Number", "Program", "Begin Date"], gone_is_over=True)
        with (self.folder / "codes/program_codes.csv").open(encoding="utf-8") as f:
            family = {r["code"]: r["group_family"] for r in csv.DictReader(f)}
        ends = [min(later(us(e), 1) if e else FOREVER, gone) for e, gone in zip(rows["End Date"], rows["gone_on"], strict=True)]
        stays = pd.DataFrame({"student": rows["Student Number"], "family": rows["Program"].map(family), "begin": rows["Begin Date"].map(us), "end": ends})
        return stays[stays["begin"] < stays["end"]]

    def with_groups(self, facts: pd.DataFrame, on: str = "date") -> pd.DataFrame:
        """Add grade, and a column a family: the group that the student was in on the day named by column `on`."""
        facts = facts.merge(self.students, on="student")
        for family in STATUS_FAMILIES:
            stays = self.programs[self.programs["family"] == family]
            days = facts[["student", on]].drop_duplicates().merge(stays, on="student")
            inside = days[(days["begin"] <= days[on]) & (days[on] < days["end"])]
            members = pd.MultiIndex.from_frame(inside[["student", on]])
            facts[family] = "no"
            facts.loc[pd.MultiIndex.from_frame(facts[["student", on]]).isin(members), family] = "yes"
        return facts

    # ---- facts: one row a student, school and day, with numerator n and denominator d ----

    @cached_property
    def attendance(self) -> pd.DataFrame:
        share = {"P": 0, "T": 0, "H": 500, "A": 1000, "E": 1000}
        told: dict[tuple[str, str, str], tuple[str, str]] = {}
        files = sorted(self._paths("attendance/*.csv"), key=lambda f: (f[0], "corrections" in f[1], f[1]))
        for _, name, path in files:
            rows = self._table(name, path.read_bytes())
            rows = rows[rows["_accepted"]]
            for r in rows.to_dict("records"):
                told[r["Student Number"], r["School Number"], us(r["Date"])] = (r["Code"], r["Modality"])
        counted: dict[tuple[str, str, str], tuple[str, int, bool]] = {}
        by_student: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for student, school, begin, end in self.stints:
            by_student.setdefault((student, school), []).append((begin, end))
        for (student, school, day), (code, modality) in told.items():
            enrolled = any(begin <= day < end for begin, end in by_student.get((student, school), []))
            if enrolled and day <= self.as_of and (school, day) in self.school_days:
                counted[student, school, day] = (modality, share[code], code == "T")
        rows = [(s, c, d, m, 1000 - a, 1000, 1000 * late) for (s, c, d), (m, a, late) in counted.items()]
        return self.with_groups(pd.DataFrame(rows, columns=["student", "school", "date", "modality", "n", "d", "late"]))

    @cached_property
    def _results(self) -> pd.DataFrame:
        """Every expected piece of work that is due, with what became of it."""
        results, items, classes = self.roster("results"), self.roster("lineItems"), self.roster("classes")
        rows = results.merge(items[["sourcedId", "classSourcedId", "dueDate", "resultValueMax"]], left_on="lineItemSourcedId", right_on="sourcedId",
                             suffixes=("_told", ""))  # fmt: skip
        rows = rows.merge(classes[["sourcedId", "schoolSourcedId"]], left_on="classSourcedId", right_on="sourcedId", suffixes=("", "_class"))
        rows = rows[(rows["dueDate"] <= self.as_of) & (rows["scoreStatus"] != "exempt")]
        missing = (rows["scoreStatus"] == "not submitted") | (rows["missing"] == "true")
        zero_is_missing = self._settings.get("gradebook", {}).get("zero_is_missing", [])  # type: ignore[attr-defined]
        missing |= rows["schoolSourcedId"].isin(zero_is_missing) & (pd.to_numeric(rows["score"], errors="coerce") == 0)
        return pd.DataFrame({
            "item": rows["lineItemSourcedId"], "student": rows["studentSourcedId"], "section": rows["classSourcedId"], "school": rows["schoolSourcedId"],
            "date": rows["dueDate"], "missing": missing, "late": (rows["late"] == "true") & ~missing,
            "halves": pd.to_numeric(rows["score"], errors="coerce") * 2, "possible": pd.to_numeric(rows["resultValueMax"]) * 2,
        })  # fmt: skip

    @cached_property
    def work(self) -> pd.DataFrame:
        """Expected work of students who were in the class on the due date."""
        seats = self.roster("enrollments").query("role == 'student'")
        seats = pd.DataFrame({"student": seats["userSourcedId"], "section": seats["classSourcedId"], "begin": seats["beginDate"].replace("", "0000"),
                              "end": [min(e or FOREVER, g) for e, g in zip(seats["endDate"], seats["gone_on"], strict=True)]})  # fmt: skip
        rows = self._results.merge(seats, on=["student", "section"])
        rows = rows[(rows["begin"] <= rows["date"]) & (rows["date"] < rows["end"])].drop_duplicates(["item", "student"])
        if self._settings.get("gradebook", {}).get("work_modality"):  # type: ignore[attr-defined]
            rows = rows.merge(self.attendance[["student", "school", "date", "modality"]], how="left").fillna({"modality": "unknown"})
        return self.with_groups(rows.drop(columns=["begin", "end"]))

    def _sections(self, period: str) -> pd.DataFrame:
        by_standards = oracle_marks.graded_by_standards(self.folder, self.roster("classes"), self.roster("courses"))
        return oracle_marks.sections_so_far(self._results.assign(by_standards=self._results["section"].isin(by_standards)), self.dates, period)

    def marks(self, period: str) -> pd.DataFrame:
        """Section marks as they stand at the student's last week piece with work in each period; for the groups of the first day of that piece."""
        return self.with_groups(oracle_marks.marks(self._sections(period)), on="last")

    def averages(self, place: str) -> pd.DataFrame:
        """Current averages, for the groups of today."""
        return self.with_groups(oracle_marks.current_averages(self._sections("year_to_date"), place).assign(today=self.as_of), on="today")

    @cached_property
    def learning(self) -> pd.DataFrame:
        """What assessments say of each student, at each school and ("") in the district; for the groups of today."""
        files = [self._table(name, path.read_bytes()) for _, name, path in self._paths("assessments/*.csv")]
        return self.with_groups(oracle_learning.of_district(self, files), on="today") if files else pd.DataFrame()

    # ---- figures ----

    @cached_property
    def _sums(self) -> list[tuple[str, str, pd.DataFrame]]:
        """(indicator, period type, facts with a column `start`) for all that is summed or is the latest in its period."""
        work = self.work.assign(d=1, n=(~self.work["missing"]).astype(int))
        handed_in = self.work[~self.work["missing"]]
        handed_in = handed_in.assign(d=1, n=handed_in["late"].astype(int))
        came = self.attendance[self.attendance["n"] > 0]
        came = came.assign(d=came["n"], n=came["late"])
        on_time = work.assign(n=(~self.work["missing"] & ~self.work["late"]).astype(int))
        points = (self.work["possible"] * 5).round().astype(int)  # tenths
        weighted = self.work.assign(d=points, n=points.where(self.work["missing"], 0))
        by_day = {"attendance_rate": self.attendance, "tardy_rate": came, "assignment_completion": work, "missing_work": work.assign(n=1 - work["n"]),
                  "weighted_missing_work": weighted[weighted["d"] > 0], "on_time_work": on_time, "late_work": handed_in,
                  **survey_oracle.facts(self.folder, [p for _, _, p in self._paths("survey/*.csv")], self.as_of)}  # fmt: skip
        found = []
        for period in ("week", "month", "term", "year_to_date"):
            for indicator, facts in by_day.items():
                placed = facts.merge(self.dates[["date", period]], on="date").rename(columns={period: "start"})
                found.append((indicator, period, placed[placed["start"] != ""]))
            found.append(("d_f_rate", period, self.marks(period)))
        return found

    def constructs(self) -> pd.DataFrame:
        return survey_oracle.constructs(self.folder, [p for _, _, p in self._paths("survey/*.csv")], self.as_of)

    def _absences(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Thousandths of days absent, of days missed by half or more, and enrolled, of the year so far, by student and school, and by student."""
        absent = self.attendance.assign(absent=self.attendance["d"] - self.attendance["n"])
        absent["halves"] = absent["d"].where(absent["absent"] * 2 >= absent["d"], 0)
        by_school = absent.groupby(["student", "school"])[["absent", "halves", "d"]].sum().reset_index()
        return by_school, by_school.groupby("student")[["absent", "halves", "d"]].sum().reset_index()

    def flags(self) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
        """(indicator, profile, place, one row a student; who has too few days yet is not `is_judged`)."""
        for profile, place, judged in self.judged():
            yield "chronic_absence", profile, place, judged
            if profile == "district":
                for tier, of_20, below in (("absence_at_risk", 1, 2), ("moderate_chronic_absence", 2, 4), ("severe_chronic_absence", 4, 21)):
                    missed, days = judged["total_n"] * 20, judged["total_d"]
                    yield tier, profile, place, judged.assign(n=((missed >= days * of_20) & (missed < days * below)).astype(int))
                yield from early_warning(place, judged[judged["student"].isin(self.here)])
                yield from in_a_row(place, judged, self.attendance, self.school_days)

    def judged(self) -> Iterator[tuple[str, str, pd.DataFrame]]:
        """(profile, place, one row a student): judged on the days at the school or on all days in the district, from so many days on, and (where it is
        said) when they came at all, in transitional kindergarten to grade 8. `n` is chronic absence, `total_n` of `total_d` the days missed.
        """
        by_school, pooled = self._absences()
        over_all = by_school[["student", "school"]].merge(pooled, on="student")
        year = self.dates["year_to_date"].iloc[0]
        rules = [(profile, place, {"school": own, "district": pooled}[place], *limits)
                 for profile, own, *limits in (("edfacts", by_school, 10, False, False), ("california", by_school, 31, True, True),
                                               ("edu", by_school, 20, False, False), ("city", over_all, 10, True, False),
                                               ("district", over_all, 20, False, False)) for place in ("school", "district")]  # fmt: skip
        for profile, place, rows, least, has_come, to_grade_8 in rules:
            if profile == "edfacts":  # a day missed by half is a day missed, and less is none
                rows = rows.assign(absent=rows["halves"])
            judged = rows[rows["d"] > 0].assign(is_judged=rows["d"] >= least * 1000)
            if has_come:
                judged = judged[judged["absent"] < judged["d"]]
            line = judged["absent"] * 10 > judged["d"] if profile == "edu" else judged["absent"] * 10 >= judged["d"]
            judged = judged.assign(total_n=judged["absent"], total_d=judged["d"], n=line.astype(int), start=year)
            judged = judged.assign(d=1, today=self.as_of)
            judged = self.with_groups(judged, on="today")
            if to_grade_8:
                judged = judged[judged["grade"].isin(["TK", "KG", "01", "02", "03", "04", "05", "06", "07", "08"])]
            if profile in ("edfacts", "california"):  # in the group at any time this year
                for family in STATUS_FAMILIES:
                    stays = self.programs[(self.programs["family"] == family) & (self.programs["begin"] <= self.as_of) & (self.programs["end"] > year)]
                    judged.loc[judged["student"].isin(stays["student"]), family] = "yes"
            yield profile, place, judged

    def values(self) -> pd.DataFrame:
        """Numerator, denominator and people of every cell that has anyone in it; of averages a school day the value too."""
        cells = []
        for indicator, period, facts in self._sums:
            for place in ("school", "district"):
                cells += list(self._cells(facts[facts["d"] > 0], indicator, "standard", period, place))
        for place in ("school", "district"):
            rows = self.averages(place)
            cells += list(self._cells(rows[rows["d"] > 0], oracle_marks.AVERAGE, "standard", "year_to_date", place))
        for indicator, profile, place, facts in (f for f in self.flags() if f[3]["is_judged"].any()):
            cells += list(self._cells(facts[facts["is_judged"]], indicator, profile, "year_to_date", place))
        for indicator, profile, place, facts in oracle_learning.facts(self.learning):
            cells += list(self._cells(facts, indicator, profile, "year_to_date", place))
        found = pd.concat(cells, ignore_index=True)
        scale = found["indicator_id"].map(THOUSANDTHS).fillna(1)
        people = found["indicator_id"].isin(MEANS)
        averages = daily_averages(found[found["indicator_id"] == "attendance_rate"], days_in_session(self.attendance, self.dates))
        found = found.assign(numerator=found["n"] / scale, denominator=found["d"] / scale.where(~people, 1)).drop(columns=["n", "d"])
        return pd.concat([found, averages], ignore_index=True)

    @staticmethod
    def _cells(facts: pd.DataFrame, indicator: str, profile: str, period: str, place: str) -> Iterator[pd.DataFrame]:
        families = [f for f in (*FAMILIES, "modality") if f in facts.columns]
        where = ["start", "student", *(["school"] if "school" in facts else []), "grade"]
        facts = facts.groupby([*where, *families])[["n", "d"]].sum().reset_index()
        groups = [facts.assign(family="all", group="all"), *(facts.assign(family=f, group=facts[f]) for f in families)]
        people = pd.concat([g[[*where, "family", "group", "n", "d"]] for g in groups])
        people = people.astype(dict.fromkeys([*where, "family", "group"], "category"))
        for by_grade in (False, True):
            by = ["start", *(["school"] if place == "school" else []), *(["grade"] if by_grade else []), "family", "group"]
            each = people.groupby([*by, "student"])[["n", "d"]].sum().assign(n_subjects=1).reset_index()
            rows = each.groupby(by)[["n", "d", "n_subjects"]].sum().reset_index()
            yield pd.DataFrame({
                "school_id": rows["school"].astype(str) if place == "school" else "", "grade_level": rows["grade"].astype(str) if by_grade else "",
                "group_family": rows["family"].astype(str), "group_value": rows["group"].astype(str), "period_type": period,
                "period_start": rows["start"].astype(str), "indicator_id": indicator, "profile_id": profile, "n": rows["n"], "d": rows["d"],
                "n_subjects": rows["n_subjects"],
            })  # fmt: skip

    def student_values(self) -> pd.DataFrame:
        """Numerator, denominator and flag (blank where there is none) of every student, school ("" all of them together) and period."""
        parts = []
        for indicator, period, facts in self._sums:
            if indicator in survey_oracle.INDICATORS:
                continue
            rows = facts.groupby(["student", "school", "start"])[["n", "d"]].sum().reset_index()
            scale = THOUSANDTHS.get(indicator, 1)
            parts.append(pd.DataFrame({
                "student_key": rows["student"], "school_id": rows["school"], "period_type": period, "period_start": rows["start"],
                "indicator_id": indicator, "profile_id": "standard", "numerator": rows["n"] / scale, "denominator": rows["d"] / scale, "flag": "",
            }))  # fmt: skip
        for place in ("school", "district"):
            rows = self.averages(place).assign(indicator_id=oracle_marks.AVERAGE, profile_id="standard", flag="")
            parts.append(
                self._of_year((rows if place == "school" else rows.assign(school="")).assign(total_n=rows["total_n"] * 500, total_d=rows["total_d"] * 500))
            )
        for indicator, profile, place, rows in self.flags():
            rows = rows.assign(flag=rows["n"].map({1: "yes", 0: "no"}).where(rows["is_judged"], ""), indicator_id=indicator, profile_id=profile)
            parts.append(self._of_year(rows if place == "school" else rows.assign(school="")))
        return pd.concat([*parts, self._of_year(self.learning)] if len(self.learning) else parts, ignore_index=True)

    @staticmethod
    def _of_year(rows: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({
            "student_key": rows["student"], "school_id": rows["school"], "period_type": "year_to_date", "period_start": rows["start"],
            "indicator_id": rows["indicator_id"], "profile_id": rows["profile_id"], "numerator": rows["total_n"] / 1000,
            "denominator": rows["total_d"] / 1000, "flag": rows["flag"],
        })  # fmt: skip
