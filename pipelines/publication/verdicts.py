"""From what went wrong to what happens to each slice: the rules of the publication gate, as pure functions.

Belongs here: deciding. A slice is an indicator of a school year, and of one school where the failure is local; the marts of an indicator are one
publication group and move together. Finding what went wrong is `gate.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pipelines.lineage.ledger import Severity, SliceVerdict, Verdict

SliceKey = tuple[str, int, str]  # indicator, school year, school ("": all)


@dataclass(frozen=True)
class Issue:
    """Something that is wrong with some slices. `school_year` 0 means every year; `school_id` "" every school."""

    indicators: frozenset[str]
    severity: Severity
    why: str
    school_year: int = 0
    school_id: str = ""


@dataclass(frozen=True)
class SliceDecision:
    """What happens to one slice tonight, and why."""

    indicator_id: str
    school_year: int
    school_id: str
    verdict: Verdict
    why: str


def decide(slices: Iterable[tuple[str, int]], issues: Sequence[Issue], held_before: Collection[SliceKey] = ()) -> list[SliceDecision]:
    """One decision for every (indicator, school year), and one more for each school where something is wrong only there.

    `held_before` are the schools' slices whose last verdict was held: where all of the indicator is held now, each of them keeps its own, older rows.
    A critical issue holds. Where a school is held, the rest goes out with a warning that names the school. A warning is published with the row.
    """
    decisions = []
    for indicator, year in sorted(set(slices)):
        mine = [i for i in issues if indicator in i.indicators and i.school_year in (0, year)]
        whole = [i for i in mine if not i.school_id and i.severity == "critical"]
        warnings = [i.why for i in mine if not i.school_id and i.severity == "warning"]
        schools: dict[str, list[Issue]] = {}
        for issue in mine:
            if issue.school_id:
                schools.setdefault(issue.school_id, []).append(issue)
        held_schools = sorted(s for s, some in schools.items() if any(i.severity == "critical" for i in some))
        if whole:
            why = "; ".join(dict.fromkeys(i.why for i in whole))
            schools_before = sorted(s for i, y, s in held_before if (i, y) == (indicator, year))
            decisions += [SliceDecision(indicator, year, school, "held", why) for school in ("", *schools_before)]
            continue
        if held_schools:
            warnings.append(f"school {', '.join(held_schools)} is held back")
        text = "; ".join(dict.fromkeys(warnings))
        decisions.append(SliceDecision(indicator, year, "", "warning" if text else "pass", text))
        for school in sorted(schools):
            words = "; ".join(dict.fromkeys(i.why for i in schools[school]))
            decisions.append(SliceDecision(indicator, year, school, "held" if school in held_schools else "warning", words))
    return decisions


def status_words(decision: SliceDecision, data_as_of: date) -> str:
    """The words that stand on the rows as `quality_status`."""
    if decision.verdict == "pass":
        return "ok"
    if decision.verdict == "warning":
        return f"warning: {decision.why}"
    return f"held since {data_as_of.isoformat()}: {decision.why}"


def verdict_of(
    decision: SliceDecision, mart: str, publication_id: str, as_of: date, before: Mapping[tuple[str, str, int, str], SliceVerdict], n_rows: int
) -> SliceVerdict:
    """The ledger's record: a held slice keeps the publication and the date of its last good one."""
    last = before.get((mart, *_key(decision))) or before.get((mart, decision.indicator_id, decision.school_year, ""))
    held = decision.verdict == "held"
    return SliceVerdict(
        publication_id=publication_id,
        mart=mart,
        indicator_id=decision.indicator_id,
        school_year=decision.school_year,
        school_id=decision.school_id,
        verdict=decision.verdict,
        why=decision.why,
        visible_publication_id=(last.visible_publication_id if last else "") if held else publication_id,
        data_as_of=last.data_as_of if held and last else as_of,
        n_rows=n_rows,
    )


def _key(decision: SliceDecision) -> SliceKey:
    return decision.indicator_id, decision.school_year, decision.school_id
