"""From what went wrong to what happens to each slice: the rules of the publication gate, as pure functions.

Belongs here: deciding. A slice is an indicator of a school year, and of one school where the failure is local; the marts of an indicator are one
publication group and move together. Finding what went wrong is `gate.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from pipelines.lineage.ledger import Severity, SliceVerdict, Verdict

SliceKey = tuple[str, int, str]  # indicator, school year, school ("": all)
People = Mapping[tuple[str, int], Mapping[str, int]]  # (indicator or ENROLLED, school year) -> people by school of the district
ENROLLED = ""  # in place of an indicator: everybody who was enrolled


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


def decide(
    slices: Iterable[tuple[str, int]], issues: Sequence[Issue], people: People, least_coverage: Fraction, held_before: Collection[SliceKey] = ()
) -> list[SliceDecision]:
    """One decision for every (indicator, school year), and one more for each school where something is wrong only there.

    `held_before` are the schools' slices whose last verdict was held: where all of the indicator is held now, each of them keeps its own, older rows.
    A critical issue holds. Where a school is held, the rest goes out with a warning that names the school; where the schools that are not held have less
    than `least_coverage` of the `people`, all of the indicator is held. A warning is published with the row.
    """
    decisions = []
    for indicator, year in sorted(set(slices)):
        mine = [i for i in issues if indicator in i.indicators and i.school_year in (0, year)]
        whole = [i.why for i in mine if not i.school_id and i.severity == "critical"]
        warnings = [i.why for i in mine if not i.school_id and i.severity == "warning"]
        schools: dict[str, list[Issue]] = {}
        for issue in mine:
            if issue.school_id:
                schools.setdefault(issue.school_id, []).append(issue)
        words = {s: "; ".join(dict.fromkeys(i.why for i in some)) for s, some in sorted(schools.items())}
        held = [s for s in words if any(i.severity == "critical" for i in schools[s])]
        missing = f"school {', '.join(held)} is held back"
        own: dict[str, str] = {}  # where all is held: the schools that say why themselves
        share = share_covered(people, indicator, year, held) if held and not whole else None
        if share is not None and share < least_coverage:
            whole = [f"{missing}; the other schools have less of the people than publication.least_coverage, {least_coverage}"]
            own = {s: words[s] for s in held}
        if whole:
            why = "; ".join(dict.fromkeys(whole))
            before = {s for i, y, s in held_before if (i, y) == (indicator, year)}
            decisions += [SliceDecision(indicator, year, s, "held", own.get(s, why)) for s in ("", *sorted(before | own.keys()))]
            continue
        if held:
            warnings.append(missing)
        text = "; ".join(dict.fromkeys(warnings))
        decisions.append(SliceDecision(indicator, year, "", "warning" if text else "pass", text))
        decisions += [SliceDecision(indicator, year, s, "held" if s in held else "warning", why) for s, why in words.items()]
    return decisions


def issues_of_held(decisions: Sequence[SliceDecision], made_of: Mapping[str, Collection[str]]) -> list[Issue]:
    """What lists have to be held by besides their own issues: indicators that they are `made_of` (slice to indicators) and that were decided to be held, such
    as all of one because too few people are left.
    """
    held = [d for d in decisions if d.verdict == "held"]
    known = {(d.indicator_id, d.school_year, d.school_id) for d in held}
    return [
        Issue(frozenset({own}), "critical", f"{d.indicator_id}: {d.why}", d.school_year, d.school_id)
        for d in held
        for own, some in sorted(made_of.items())
        if d.indicator_id in some and not known & {(own, d.school_year, d.school_id), (own, d.school_year, "")}
    ]  # fmt: skip


def share_covered(people: People, indicator: str, school_year: int, held: Collection[str]) -> Fraction | None:
    """The share of the district's people who are at schools that are not held: of those whom the indicator counts or of all enrolled, whichever is
    smaller. None where nobody is known.
    """
    shares = []
    for whom in (indicator, ENROLLED):
        by_school = people.get((whom, school_year), {})
        if everybody := sum(by_school.values()):
            shares.append(Fraction(sum(n for school, n in by_school.items() if school not in held), everybody))
    return min(shares, default=None)


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
