"""Averages a school day worked out again with pandas, from days of attendance and from what they add up to in each cell."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd

INDICATORS = {"average_daily_attendance": "n", "average_daily_membership": "d"}
_PLACE = ["grade_level", "group_family", "group_value", "period_type", "period_start"]


def days_of_year(year: dict[str, Any]) -> pd.DataFrame:
    """Every day of a school year of `district.toml`: week (Monday), month, term start, year start, and the week piece that it is in."""
    rows = []
    day = year["start"]
    while day <= year["end"]:
        term = next((t for t in year["terms"] if t["start"] <= day <= t["end"]), None)
        rows.append({"date": day.isoformat(), "week": (day - timedelta(days=day.weekday())).isoformat(), "month": day.replace(day=1).isoformat(),
                     "term": term["start"].isoformat() if term else "", "year_to_date": year["start"].isoformat()})  # fmt: skip
        day += timedelta(days=1)
    dates = pd.DataFrame(rows)
    dates["piece"] = dates.groupby(["week", "month", "term"])["date"].transform("min")
    return dates


def days_in_session(attendance: pd.DataFrame, dates: pd.DataFrame) -> pd.DataFrame:
    """Days on which anybody of a school ("" any of them) has attendance, in each period."""
    days = attendance[["school", "date"]].drop_duplicates().merge(dates, on="date")
    found = []
    for period in ("week", "month", "term", "year_to_date"):
        in_one = days[days[period] != ""].rename(columns={period: "period_start"})
        for rows in (in_one, in_one.assign(school="")):
            counted = rows.groupby(["school", "period_start"])["date"].nunique().rename("days").reset_index()
            found.append(counted.assign(period_type=period).rename(columns={"school": "school_id"}))
    return pd.concat(found, ignore_index=True)


def daily_averages(rates: pd.DataFrame, days: pd.DataFrame) -> pd.DataFrame:
    """Of the cells of the attendance rate (`n` and `d` in thousandths of a day) the averages: `numerator`, `denominator` and `value`, a school's to a
    thousandth, half rounded up, and the district's the sum of its schools'.
    """
    cells = rates.merge(days, on=["school_id", "period_type", "period_start"])
    found = []
    for indicator, side in INDICATORS.items():
        own = cells.assign(indicator_id=indicator, numerator=cells[side] / 1000, denominator=cells["days"].astype(float))
        own["thousandths"] = (2 * own[side] + own["days"]) // (2 * own["days"])
        summed = own[own["school_id"] != ""].groupby(_PLACE)["thousandths"].sum().rename("summed").reset_index()
        own = own.merge(summed, on=_PLACE)
        found.append(own.assign(value=own["thousandths"].where(own["school_id"] != "", own["summed"]) / 1000))
    return pd.concat(found, ignore_index=True).drop(columns=["days", "thousandths", "summed", "n", "d"])
