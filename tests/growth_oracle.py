"""Growth beside students with the same earlier score, worked out from a district's results with pandas and numpy alone: shares no code with the pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise

import numpy as np
import pandas as pd

LEAST = 30


def pairs(results: pd.DataFrame, windows: Sequence[tuple[str, date, date]], grades: Mapping[str, str], as_of: date) -> pd.DataFrame:
    """The pairs of windows of each student, one row a pair: x, y, on and the comparison's key. `results`: student, assessment, subject, on, score."""
    rows = []
    for (student, assessment, subject), mine in results.dropna(subset="score").groupby(["student", "assessment", "subject"]):
        ended = sorted((first, last) for a, first, last in windows if a == assessment and last <= as_of)
        scores = []
        for first, last in ended:
            inside = mine[(mine["on"] >= first) & (mine["on"] <= last)].sort_values("on")
            if len(inside):
                scores.append((first, inside["on"].iloc[-1], inside["score"].iloc[-1]))
        rows += [{"student": student, "key": (assessment, subject, grades[student], a[0], b[0]), "x": a[2], "y": b[2], "on": b[1]} for a, b in pairwise(scores)]
    return pd.DataFrame(rows, columns=["student", "key", "x", "y", "on"])


def last_pairs(found: pd.DataFrame) -> pd.DataFrame:
    """By student the last pair that can be compared: its day and its distance from the line of its comparison, in standard errors of the line (z); of
    who has none of these, the last pair, with z missing.
    """
    parts = []
    for _, some in found.groupby("key"):
        distance = pd.Series(np.nan, index=some.index)
        if len(some) >= LEAST and some["x"].nunique() > 1:
            slope, intercept = np.polyfit(some["x"], some["y"], 1)
            left = some["y"] - intercept - slope * some["x"]
            distance = left / np.sqrt((left**2).sum() / (len(some) - 2))
        parts.append(some.assign(z=distance))
    if not parts:
        return pd.DataFrame({"on": [], "z": []})
    every = pd.concat(parts).sort_values("on", kind="stable")
    every["is_known"] = every["z"].notna()
    return every.sort_values(["is_known", "on"], kind="stable").groupby("student").tail(1).set_index("student")[["on", "z"]]


def index(found: pd.DataFrame) -> pd.Series:
    """By student that distance, missing where nothing can be compared."""
    return last_pairs(found)["z"]
