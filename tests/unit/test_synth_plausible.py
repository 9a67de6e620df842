"""The synthetic district is no uniform noise: habits, weekdays, seasons, schools, groups, grades, a strategy and surveys can all be found in its files.

Everything is read from the landing files, the code maps and `truth.json`, as somebody would who knows nothing of how they were made. One district of
a fixed seed, so that every figure here is the same on each run; bounds lie far from what chance gives and well below what is there.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.synth import synthesize

STUDENTS, DAYS, START = 12_000, 60, date(2025, 10, 6)  # from October, so that sixty days reach January
FIRST_SURVEYED_GRADE = 3


@dataclass(frozen=True)
class Files:
    """What the landing files say. `students` has one row a student who stayed at one school, with rates over the whole time."""

    truth: dict[str, Any]
    attendance: pd.DataFrame  # student, school, day, absent (a share of the day)
    work: pd.DataFrame  # student, school, due, missing when it was marked, share of the points in the end
    students: pd.DataFrame
    roles: pd.DataFrame
    programs: pd.DataFrame
    remote: set[str]
    answers: dict[str, pd.DataFrame]  # by wave


def packages(landing: Path, file: str, columns: list[str]) -> pd.DataFrame:
    """A file of all OneRoster packages, in the order in which they came; of one night the roster first."""
    parts = []
    for path in sorted((landing / "oneroster").glob("*/*.zip"), key=lambda p: (p.parent.name, p.name != "oneroster.zip")):
        with zipfile.ZipFile(path) as z:
            if f"{file}.csv" in z.namelist():
                with z.open(f"{file}.csv") as f:
                    parts.append(pd.read_csv(f, dtype=str, keep_default_na=False, usecols=["sourcedId", *columns]))
    return pd.concat(parts, ignore_index=True)


def plain(folder: Path, pattern: str) -> pd.DataFrame:
    return pd.concat([pd.read_csv(p, dtype=str, keep_default_na=False) for p in sorted(folder.glob(pattern))], ignore_index=True)


def read(folder: Path) -> Files:
    landing = folder / "landing"
    codes = pd.read_csv(folder / "codes/attendance_codes.csv").set_index("code")["absent_share"]
    rows = pd.concat([plain(landing, "attendance/attendance_*.csv"), plain(landing, "attendance/corrections_*.csv")], ignore_index=True)
    rows = rows.drop_duplicates(["Student Number", "School Number", "Date"], keep="last")
    attendance = pd.DataFrame({
        "student": rows["Student Number"], "school": rows["School Number"], "day": pd.to_datetime(rows["Date"], format="%m/%d/%Y"),
        "absent": rows["Code"].map(codes).astype(float),
    })  # fmt: skip
    told = packages(landing, "results", ["lineItemSourcedId", "studentSourcedId", "score", "missing"])
    last = told.drop_duplicates("sourcedId", keep="last").set_index("sourcedId")["score"]
    first = told.drop_duplicates("sourcedId").set_index("sourcedId")
    items = packages(landing, "lineItems", ["dueDate", "resultValueMax", "schoolSourcedId"]).drop_duplicates("sourcedId", keep="last").set_index("sourcedId")
    of = items.loc[first["lineItemSourcedId"]]
    work = pd.DataFrame({
        "student": first["studentSourcedId"].to_numpy(), "school": of["schoolSourcedId"].to_numpy(), "due": pd.to_datetime(of["dueDate"]).to_numpy(),
        "missing": (first["missing"] == "true").to_numpy(dtype=float),
        "share": (pd.to_numeric(last.loc[first.index]).to_numpy() / pd.to_numeric(of["resultValueMax"]).to_numpy()),
    })  # fmt: skip
    roles = packages(landing, "roles", ["userSourcedId", "role", "roleType", "orgSourcedId", "beginDate", "endDate"]).query("role == 'student'")
    roles = roles.drop_duplicates("sourcedId", keep="last")
    grades = packages(landing, "users", ["grades"]).drop_duplicates("sourcedId", keep="last").set_index("sourcedId")["grades"]
    programs = plain(landing, "programs/programs_*.csv").drop_duplicates(["Student Number", "Program", "Begin Date"], keep="last")
    students = attendance.groupby("student").agg(school=("school", "first"), schools=("school", "nunique"), days=("day", "size"), absence=("absent", "mean"))
    students = students.join(work.groupby("student").agg(missing=("missing", "mean"), share=("share", "mean"), pieces=("missing", "size")))
    students["grade"] = grades.loc[students.index].replace("KG", "0").astype(int)
    for program in ("EL", "IEP", "FRL", "HML", "FST"):
        students[program] = students.index.isin(programs.loc[programs["Program"] == program, "Student Number"])
    return Files(
        truth=json.loads((folder / "truth.json").read_text()),
        attendance=attendance,
        work=work,
        students=students.query("schools == 1 and days >= 40 and pieces >= 10"),
        roles=roles.assign(grade=roles["userSourcedId"].map(grades)),
        programs=programs,
        remote=set(rows.loc[rows["Modality"] == "remote", "Student Number"]),
        answers={p.stem.split("_")[1]: pd.read_csv(p, dtype=str) for p in sorted((landing / "survey").glob("*.csv"))},
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("plausible")
    synthesize(STUDENTS, DAYS, START, 7, folder, defects=False, progress=lambda _: None)
    return read(folder)


def z_of(values: pd.Series) -> float:
    """How many standard errors the mean of people's values lies above nothing."""
    return float(values.mean() / (values.std() / np.sqrt(len(values))))


def z_between(some: pd.Series, others: pd.Series) -> float:
    """How many standard errors the mean of some people lies above that of others."""
    return float((some.mean() - others.mean()) / np.sqrt(some.var() / len(some) + others.var() / len(others)))


def absence(rows: pd.DataFrame) -> pd.Series:
    """Share of days absent, by student."""
    return rows.groupby("student")["absent"].mean()


@pytest.fixture(scope="module")
def days(files: Files) -> pd.DataFrame:
    """The attendance of the students who are compared."""
    return files.attendance[files.attendance["student"].isin(files.students.index)]


def test_students_keep_their_habits(days: pd.DataFrame) -> None:
    odd = days["day"].dt.isocalendar().week % 2 == 1
    both = pd.concat([absence(days[odd]), absence(days[~odd])], axis=1).to_numpy()
    rng = np.random.default_rng(1)
    by_chance = max(abs(np.corrcoef(both[:, 0], rng.permutation(both[:, 1]))[0, 1]) for _ in range(50))
    assert by_chance < 0.05
    assert np.corrcoef(both.T)[0, 1] > 0.4


def test_mondays_and_fridays_are_missed_more(days: pd.DataFrame) -> None:
    weekday = days["day"].dt.day_of_week
    midweek, ratio = absence(days[weekday.isin([1, 2, 3])]), {}
    for day in (0, 4):
        own = absence(days[weekday == day])
        assert z_of(own - midweek) > 5
        ratio[day] = own.mean() / midweek.mean()
    assert ratio[0] > 1.05  # illnesses alone, which begin on school days and go on, would make Mondays the best days
    assert ratio[4] > 1.2


def test_winter_is_missed_more_than_autumn(days: pd.DataFrame) -> None:
    month = days["day"].dt.month
    autumn, winter = absence(days[month == 10]), absence(days[month.isin([12, 1])])
    assert z_of(winter - autumn) > 5
    assert winter.mean() > 1.15 * autumn.mean()


def spread(values: pd.Series, school: pd.Series) -> float:
    """How much more the schools' means differ than the students within them would have them differ: about 1 by chance."""
    of = values.groupby(school)
    between = float((of.size() * (of.mean() - values.mean()) ** 2).sum()) / (of.ngroups - 1)
    return between / float((values - of.transform("mean")).var())


@pytest.mark.parametrize("measure", ["absence", "missing", "share"])
def test_schools_differ_in_more_than_whom_they_teach(files: Files, measure: str) -> None:
    alike = files.students.query("grade <= 5 and not (EL or IEP or FRL or HML or FST)")
    assert alike["school"].nunique() > 5
    helped = alike["school"].isin(files.truth["strategy"]["schools"])
    values, rng = alike[measure] - alike.groupby(helped)[measure].transform("mean"), np.random.default_rng(1)
    by_chance = [spread(pd.Series(rng.permutation(values.to_numpy()), index=values.index), alike["school"]) for _ in range(100)]
    assert spread(values, alike["school"]) > 1.2 * max(by_chance)


@pytest.mark.parametrize(
    ("group", "measure"), [("HML", "absence"), ("FRL", "absence"), ("IEP", "absence"), ("FRL", "missing"), ("IEP", "missing"), ("EL", "missing")]
)
def test_groups_differ_within_their_schools(files: Files, group: str, measure: str) -> None:
    own = files.students[measure] - files.students.groupby("school")[measure].transform("mean")
    assert z_between(own[files.students[group]], own[~files.students[group]]) > 3.5


@pytest.mark.parametrize("measure", ["absence", "missing"])
def test_grades_follow_attendance_and_completion(files: Files, measure: str) -> None:
    assert files.students["share"].corr(files.students[measure], method="spearman") < -0.25


def test_the_strategy_helps_where_and_since_when_it_runs(files: Files) -> None:
    """Completion before and after, in the strategy's schools and the others; the odds of one student are compared with those of the same student."""
    told = files.truth["strategy"]
    work = files.work[files.work["student"].isin(files.students.index)]
    counts = work.assign(after=work["due"] >= told["start"]).groupby(["student", "school", "after"])["missing"].agg(["sum", "size"]).unstack(fill_value=0)
    counts = counts[(counts["size"] > 0).all(axis=1)]
    missed, given = counts["sum"], counts["size"]
    helped = pd.Series(counts.index.get_level_values("school").isin(told["schools"]), index=counts.index)
    assert 0 < len(told["schools"]) < len(files.truth["schools"]) / 2
    completion = 1 - missed / given
    change = completion[True] - completion[False]
    assert z_between(change[helped], change[~helped]) > 5
    assert abs(change[~helped].mean()) < 0.01 < change[helped].mean()
    # Mantel and Haenszel's odds ratio over students, and its interval from drawing students again
    both = given.sum(axis=1)
    up, down = missed[True] * (given[False] - missed[False]) / both, missed[False] * (given[True] - missed[True]) / both
    rng = np.random.default_rng(1)

    def drawn(of: pd.Series) -> Any:
        times = rng.multinomial(int(of.sum()), np.full(int(of.sum()), 1 / int(of.sum())), size=400)
        return np.log((times @ up[of].to_numpy()) / (times @ down[of].to_numpy()))

    low, high = np.exp(np.quantile(drawn(helped) - drawn(~helped), [0.005, 0.995]))
    assert low < told["missing_odds_ratio"] < high < 0.8


def asked_on(files: Files, day: str) -> dict[str, set[str]]:
    """Who is asked in a wave, by group, as roster, programs and attendance say."""
    roles = files.roles
    there = roles[(roles["roleType"] == "primary") & (roles["beginDate"] <= day) & ((roles["endDate"] == "") | (day < roles["endDate"]))]
    everyone = set(there.loc[there["grade"].replace("KG", "0").astype(int) >= FIRST_SURVEYED_GRADE, "userSourcedId"])
    programs = files.programs
    begin, end = (pd.to_datetime(programs[c], format="%m/%d/%Y") for c in ("Begin Date", "End Date"))
    inside = programs[(begin <= day) & (end.isna() | (end >= day))]
    groups = {"all": everyone, "remote": everyone & files.remote}
    return groups | {name: everyone & set(of["Student Number"]) for name, of in inside.groupby("Program")}


def test_surveys_reach_some_groups_less(files: Files) -> None:
    """Who answered an anonymous wave by group, `truth.json` alone can say: whom it calls asked, and how many answered in all, is held to the files. The third
    wave asks by name, on the day on which it opens.
    """
    reach = files.truth["survey_reach"]
    assert list(reach) == list(files.answers) == ["w1", "w2", "w3"]
    for wave, groups in reach.items():
        answers = files.answers[wave]
        assert groups["all"]["answered"] == len(answers)
        is_named = "Student Number" in answers
        assert is_named == (wave == "w3")
        opened = pd.to_datetime(answers["Timestamp"], format="%m/%d/%Y %H:%M:%S").min().strftime("%Y-%m-%d")
        asked = asked_on(files, opened if is_named else files.truth["waves"][wave])
        assert {name: of["asked"] for name, of in groups.items()} == {name: len(of) for name, of in asked.items()}
        if is_named:
            who = set(answers["Student Number"])
            assert {name: of["answered"] for name, of in groups.items()} == {name: len(of & who) for name, of in asked.items()}
        share = {name: of["answered"] / of["asked"] for name, of in groups.items()}
        for name in ("EL", "IEP", "remote"):
            error = np.sqrt(share["all"] * (1 - share["all"]) / groups[name]["asked"])
            assert share["all"] - share[name] > 3 * error, (wave, name)


def test_schools_answer_surveys_differently(files: Files) -> None:
    for wave, rows in files.answers.items():
        roles, day = files.roles, files.truth["waves"][wave]
        there = roles[roles["userSourcedId"].isin(asked_on(files, day)["all"]) & (roles["roleType"] == "primary")]
        there = there[(there["beginDate"] <= day) & ((there["endDate"] == "") | (day < there["endDate"]))]
        asked = there.groupby("orgSourcedId").size()
        answered = rows.groupby("School Number").size().reindex(asked.index, fill_value=0)
        overall = answered.sum() / asked.sum()
        beyond = ((answered - overall * asked) ** 2 / (asked * overall * (1 - overall))).sum() / (len(asked) - 1)
        assert beyond > 5, wave  # about 1 where every school answers alike
