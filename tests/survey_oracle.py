"""The synthetic district's survey indicators worked out again from the exported forms, with pandas alone: shares no code with the pipeline.

A response is a line of a file and has no groups; its constructs are those of the district's own item map. Dates are ISO text.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd

AGREE = {"Strongly disagree": 1, "Disagree": 2, "Neither agree nor disagree": 3, "Agree": 4, "Strongly agree": 5}
FAVORABLE = 4
CONSTRUCTS = ("belonging", "known_by_adult")
MEANS = tuple(f"{c}_scale_mean" for c in CONSTRUCTS)  # in thousandths
INDICATORS = ("survey_favorable", *(f"{c}_favorable" for c in CONSTRUCTS), *MEANS, "connection")


def answers(folder: Path, files: Sequence[Path], as_of: str) -> pd.DataFrame:
    """Every valid answer with its wave and its value from 1 to 5; `sets` are the constructs that its question counts in."""
    with (folder / "codes/survey_items.csv").open(encoding="utf-8") as f:
        items = {r["item_title"]: r for r in csv.DictReader(f)}
    rows = []
    for path in files:
        with path.open(encoding="utf-8") as f:
            for k, line in enumerate(csv.DictReader(f)):
                day = datetime.strptime(line["Timestamp"].split(" ")[0], "%m/%d/%Y").date().isoformat()
                for title, item in items.items():
                    if line[title] in AGREE:
                        value = 6 - AGREE[line[title]] if item["is_reversed"] == "true" else AGREE[line[title]]
                        sets = {item["construct"], *item["also_in"].split()}
                        rows.append((path.name.split("_")[1], f"{path.name}:{k}", line["School Number"], day, line["Grade"], item["item_id"], sets, value))
    found = pd.DataFrame(rows, columns=["wave", "student", "school", "date", "grade", "item", "sets", "value"])
    return found[found["date"] <= as_of]


def responses(given: pd.DataFrame, construct: str | None = None) -> pd.DataFrame:
    """One row a response: its valid answers `d` (to the questions of a construct), favorable ones `n`, and what their values add up to."""
    if construct is not None:
        given = given[[construct in s for s in given["sets"]]]
    given = given.assign(d=1, n=(given["value"] >= FAVORABLE).astype(int))
    return given.groupby(["student", "school", "date", "grade"])[["n", "d", "value"]].sum().reset_index()


def facts(folder: Path, files: Sequence[Path], as_of: str) -> dict[str, pd.DataFrame]:
    """By indicator one row a response, with numerator n and denominator d: of a mean n is the response's own, of two answers of the three or more."""
    given = answers(folder, files, as_of)
    found = {"survey_favorable": responses(given)}
    for construct in CONSTRUCTS:
        mine = responses(given, construct)
        found[f"{construct}_favorable"] = mine
        scored = mine[mine["d"] >= 2]
        found[f"{construct}_scale_mean"] = scored.assign(n=(2000 * scored["value"] + scored["d"]) // (2 * scored["d"]), d=1)
    asked = responses(given, "connection")
    found["connection"] = asked.assign(n=(asked["n"] == asked["d"]).astype(int), d=1)
    return found


def constructs(folder: Path, files: Sequence[Path], as_of: str) -> pd.DataFrame:
    """By wave, construct and school ("": the district): percent favorable pooled and as the mean of the questions', and Cronbach's alpha over those who
    answered all three questions; with the questions and responses behind each.
    """
    given = answers(folder, files, as_of)
    rows = []
    for construct in CONSTRUCTS:
        mine = given[[construct in s for s in given["sets"]]]
        mine = mine.assign(good=mine["value"] >= FAVORABLE)
        for (wave, school), some in [*mine.groupby(["wave", "school"]), *(((w, ""), s) for w, s in mine.groupby("wave"))]:
            about = {"wave_id": wave, "school_id": school, "construct": construct, "n_items": some["item"].nunique(), "n_subjects": some["student"].nunique()}
            rows.append({**about, "statistic": "favorable_pooled", "value": some["good"].mean()})
            rows.append({**about, "statistic": "favorable_item_mean", "value": some.groupby("item")["good"].mean().mean()})
            table = some.pivot_table(index="student", columns="item", values="value")
            full = table.dropna()
            if len(table.columns) == 3 and len(full) > 1 and full.sum(axis=1).var() > 0:
                alpha = 3 / 2 * (1 - full.var(ddof=1).sum() / full.sum(axis=1).var(ddof=1))
                rows.append({**about, "n_items": 3, "n_subjects": len(full), "statistic": "alpha", "value": alpha})
    return pd.DataFrame(rows)
