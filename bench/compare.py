"""Whether the hand-written SQL and the models gave the same marts: counts exactly, rates and intervals within 1e-9."""

from __future__ import annotations

from pathlib import Path

import duckdb

KEYS = {
    "agg_indicator_values": (
        "school_year", "school_id", "grade_level", "group_family", "group_value", "period_type", "period_start", "indicator_id", "profile_id",
    ),
    "fct_student_indicators": ("student_key", "school_id", "school_year", "period_type", "period_start", "indicator_id", "profile_id"),
}  # fmt: skip
EXACT = {
    "agg_indicator_values": ("period_end", "profile_version", "numerator", "denominator", "n_subjects", "ci_method"),
    "fct_student_indicators": ("period_end", "profile_version", "numerator", "denominator", "flag", "flag_reason"),
}
CLOSE = {"agg_indicator_values": ("value", "ci_low", "ci_high"), "fct_student_indicators": ("value",)}


def differences(build: Path, handwritten: Path) -> dict[str, int]:
    """Rows of each mart that one side lacks or has otherwise; all zero where they are the same."""
    found = {}
    with duckdb.connect(config={"threads": 2, "memory_limit": "4GB"}) as db:
        db.execute(f"attach '{build}' as build (read_only)")
        db.execute(f"attach '{handwritten}' as hand (read_only)")
        for mart, keys in KEYS.items():
            same = " and ".join(f"a.{c} is not distinct from b.{c}" for c in (*keys, *EXACT[mart]))
            near = " and ".join(f"(a.{c} is not distinct from b.{c} or abs(a.{c} - b.{c}) <= 1e-9)" for c in CLOSE[mart])
            n = [int(db.execute(f"select count(*) from {of}.{mart}").fetchall()[0][0]) for of in ("build.marts", "hand.main")]
            both = int(db.execute(f"select count(*) from build.marts.{mart} a join hand.main.{mart} b on {same} where {near}").fetchall()[0][0])
            found[mart] = n[0] + n[1] - 2 * both
    return found
