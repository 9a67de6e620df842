"""What an index is made of: what a row of `codes/index_measures.csv` and of `codes/index_cut_points.csv` may say.

Belongs here: checking both against the registry and one another. A district without the files has no index. Each measure is a level from 1 to 10 by its
cut points, and the index their weighted mean, after the CORE Index (coredistricts.org).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from pipelines.seeds import did_you_mean, seed

Row = Mapping[str, str]
LEVELS = range(2, 11)  # each with its cut point; whoever reaches none of them is at level 1
_NUMBER = re.compile(r"-?[0-9]{1,6}([.][0-9]{1,6})?")
_LARGEST_WEIGHT = 1000
_LEAST_N = 20
_SHARES = ("share", "share_of_people")


def least_n(row: Row, min_n: int) -> str:
    """Of how few people a measure has a level: as the district says, else 20 as in the CORE Index, and never fewer than are shown."""
    return row["least_n"] or str(max(_LEAST_N, min_n))


def bound_of(row: Row) -> Fraction:
    """The figure from which on a cut point's level is reached. Expects a row without complaint."""
    return Fraction(row["bound"]) / Fraction(row["out_of"])


def _no_measure(row: Row) -> str:
    """Whether the row names no indicator and profile that an index can be made of, and what to write."""
    named, by = row["indicator_id"], row["profile_id"]
    indicators = {i["indicator_id"]: i for i in seed("indicators")}
    can_be = [i["indicator_id"] for i in indicators.values() if i["value_kind"] != "daily_average"]
    if named not in indicators:
        return f"indicator_id is {named!r}, which is no indicator; {did_you_mean(named, can_be)}"
    if named not in can_be:
        return f"indicator_id is {named!r}, which counts students and so tells how large a school is; write one of {', '.join(can_be)}"
    profiles = [p["profile_id"] for p in seed("indicator_profiles") if p["indicator_id"] == named]
    return "" if by in profiles else f"profile_id is {by!r}, and {named!r} is not judged by such a profile; {did_you_mean(by, profiles)}"


def _of_same(row: Row, rows: Sequence[Row]) -> list[Row]:
    return [r for r in rows if (r["indicator_id"], r["profile_id"]) == (row["indicator_id"], row["profile_id"])]


def wrong_cut_point(row: Row, before: Sequence[Row]) -> str:
    """What is wrong with a cut point, after those `before` it, and what to write instead; "" where nothing is."""
    if wrong := _no_measure(row):
        return wrong
    if row["level"] not in map(str, LEVELS):
        return f"level is {row['level']!r}; write a whole number from {LEVELS[0]} to {LEVELS[-1]}: whatever reaches no cut point is at level 1"
    if not _NUMBER.fullmatch(row["bound"]):
        return f"bound is {row['bound']!r}; write a plain number with at most six decimals, or a fraction as bound and out_of"
    if not _NUMBER.fullmatch(row["out_of"]) or Fraction(row["out_of"]) <= 0:
        return f"out_of is {row['out_of']!r}; write a number above 0 by which the bound is divided, or leave it blank for 1"
    of = next(i for i in seed("indicators") if i["indicator_id"] == row["indicator_id"])
    mine = bound_of(row)
    if of["value_kind"] in _SHARES and not 0 <= mine <= 1:
        return f"bound is {row['bound']} out of {row['out_of']}; {row['indicator_id']!r} is a share from 0 to 1: write percents as 0.95, or with 100 in out_of"
    is_low = of["direction"] == "lower_is_better"
    for other in _of_same(row, before):
        theirs, is_above = bound_of(other), int(row["level"]) > int(other["level"])
        if mine == theirs or (mine > theirs) != (is_above != is_low):
            way = "falls" if is_low else "grows"
            begin = f"level {row['level']} begins at {mine} and level {other['level']} at {theirs}"
            return f"{begin}; of {row['indicator_id']!r} the bound {way} from level to level"
    return ""


def index_measures(cut_points: Sequence[Row], min_n: int) -> Callable[[Row, Sequence[Row]], str]:
    """What is wrong with a measure of an index, as a function of its row and those before it; `cut_points` are the district's, and figures of fewer than
    `min_n` people are hidden.
    """

    def wrong(row: Row, before: Sequence[Row]) -> str:
        return _no_name(row) or _no_measure(row) or _no_weight(row) or _unlike_before(row, before) or _too_few(row, min_n) or _no_levels(row, cut_points)

    return wrong


def _no_name(row: Row) -> str:
    blank = next((c for c in ("index_id", "domain") if not row[c]), "")
    return f"{blank} is blank; write a short name, such as school_quality for an index and academics for a domain" if blank else ""


def _no_weight(row: Row) -> str:
    for column in ("weight", *(["domain_weight"] if row["domain_weight"] else [])):
        if not re.fullmatch(r"[0-9]{1,4}([.][0-9]{1,3})?", row[column]) or not 0 < Fraction(row[column]) <= _LARGEST_WEIGHT:
            return f"{column} is {row[column]!r}; write a number above 0, at most {_LARGEST_WEIGHT}, with at most three decimals"
    return ""


def _unlike_before(row: Row, before: Sequence[Row]) -> str:
    """Names of one index are written alike, and its domains weigh the same in all their rows, or nothing is said of any."""
    for other in (o for o in before if o["index_id"].casefold() == row["index_id"].casefold()):
        for column in ("index_id", "domain"):
            if other[column] != row[column] and other[column].casefold() == row[column].casefold():
                return f"{column} is {row[column]!r}, and {other[column]!r} in a row before; write the same in both"
        if bool(other["domain_weight"]) != bool(row["domain_weight"]):
            return f"domain_weight is {row['domain_weight']!r}, and that of a row before {other['domain_weight']!r}; write it for all domains or for none"
        if other["domain"] == row["domain"] and Fraction(other["domain_weight"] or 0) != Fraction(row["domain_weight"] or 0):
            return f"domain_weight of {row['domain']!r} is {row['domain_weight']} here and {other['domain_weight']} in a row before; write the same in both"
    return ""


def _too_few(row: Row, min_n: int) -> str:
    if row["least_n"] and (not re.fullmatch(r"[0-9]{1,6}", row["least_n"]) or int(row["least_n"]) < min_n):
        return f"least_n is {row['least_n']!r}; write a whole number of at least suppression.min_n, {min_n}: figures of fewer are hidden"
    return ""


def _no_levels(row: Row, cut_points: Sequence[Row]) -> str:
    known = {int(r["level"]) for r in _of_same(row, cut_points)}
    if missing := [str(level) for level in LEVELS if level not in known]:
        what = f"level {', '.join(missing)}"
        return f"{row['indicator_id']!r} by profile {row['profile_id']!r} has no cut point of {what}; write it in index_cut_points.csv"
    return ""
