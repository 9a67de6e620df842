"""Marks of gradebooks worked out again with pandas: D or F, and current averages, from points of the term so far."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

AVERAGE = "current_average"


def graded_by_standards(folder: Path, classes: pd.DataFrame, courses: pd.DataFrame) -> set[str]:
    """Classes that the district's map names by school, course (by id or by code), or both."""
    path = folder / "codes/standards_graded.csv"
    if not path.exists():
        return set()
    with path.open(encoding="utf-8") as f:
        rows = [(r["school_id"], r["course_id"]) for r in csv.DictReader(f)]
    code = dict(zip(courses["sourcedId"], courses["courseCode"], strict=True))
    return {
        c.sourcedId for c in classes.itertuples()
        if any(school in ("*", c.schoolSourcedId) and course in ("*", c.courseSourcedId, code.get(c.courseSourcedId)) for school, course in rows)
    }  # fmt: skip


def sections_so_far(results: pd.DataFrame, dates: pd.DataFrame, period: str) -> pd.DataFrame:
    """Half points and what could be had (blank in a class graded by standards) by student and class, at the student's last week piece in each period."""
    is_graded = results["by_standards"] | (results["halves"].notna() & (results["possible"] > 0))
    graded = results[is_graded].merge(dates, on="date")
    if period == "term":
        graded = graded[graded["term"] != ""]
    last = graded.groupby(["student", period])["piece"].max().rename("last").reset_index().rename(columns={period: "start"})
    last["term"] = last["last"].map(graded.drop_duplicates("piece").set_index("piece")["term"])
    rows = last.merge(graded, on=["student", "term"])
    rows = rows[rows["piece"] <= rows["last"]]
    of_class = ["student", "start", "last", "school", "section", "by_standards"]
    return rows.groupby(of_class)[["halves", "possible"]].sum().reset_index()


def marks(sections: pd.DataFrame) -> pd.DataFrame:
    """D or F of the marks of each student at each school; `d` is nought where all classes are graded by standards."""
    n = (~sections["by_standards"] & (sections["halves"] * 100 < sections["possible"] * 70)).astype(int)
    facts = sections.assign(n=n, d=(~sections["by_standards"]).astype(int))
    return facts.groupby(["student", "start", "last", "school"])[["n", "d"]].sum().reset_index()


def current_averages(sections: pd.DataFrame, place: str) -> pd.DataFrame:
    """A row a student (and school): thousandths `n` of the points that could be had, over one; `total_n` of `total_d` are half points."""
    counted = sections.assign(total_n=sections["halves"].where(~sections["by_standards"], 0), total_d=sections["possible"].where(~sections["by_standards"], 0))
    by = ["student", "start", *(["school"] if place == "school" else [])]
    rows = counted.groupby(by)[["total_n", "total_d"]].sum().reset_index()
    some = rows["total_d"].where(rows["total_d"] > 0, 1)
    return rows.assign(n=((2000 * rows["total_n"] + some) // (2 * some)).astype(int), d=(rows["total_d"] > 0).astype(int))
