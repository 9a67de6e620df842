"""Publishing a night: verdicts, the assembled publication, the warehouse, the ledger.

Belongs here: the order of the steps and what a kill between any two of them leaves. The ledger says `publishing` before the warehouse is touched; the
warehouse's own pointer is the truth; `recover` brings the ledger in line with it.
"""

from __future__ import annotations

import hashlib
import subprocess
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from pipelines.district import District
from pipelines.lineage.graph import PROJECT, Manifest, MartModel, tables_behind_indicators, tables_behind_lists
from pipelines.lineage.ledger import Ledger, Publication, Run, SliceVerdict, now
from pipelines.lineage.operations import operations_tables
from pipelines.publication import assemble, coverage, gate, life, maturity
from pipelines.publication.figures import MART
from pipelines.publication.grades import grade_issues
from pipelines.publication.verdicts import Issue, SliceDecision, decide, issues_of_held, status_words, verdict_of
from pipelines.publication.warehouse import Plan, SliceStatus, Warehouse, open_warehouse
from pipelines.quality.build import build_path, open_build
from pipelines.quality.expectations import load_suites


@dataclass(frozen=True)
class PublicationReport:
    """What was published: the publication, a verdict for each slice of each mart, and where to look."""

    publication: Publication
    verdicts: tuple[SliceVerdict, ...]
    location: str
    how_to_open: str

    @property
    def held(self) -> tuple[SliceVerdict, ...]:
        return tuple(v for v in self.verdicts if v.verdict == "held")


def recover(ledger: Ledger, warehouse: Warehouse) -> None:
    """Bring the ledger in line with the warehouse after a kill: what is visible was published, what is not was abandoned."""
    current = warehouse.current()
    for p in ledger.publications():
        if p.status == "publishing":
            ledger.put(replace(p, status="published" if p.publication_id == current else "abandoned"))
    for r in ledger.rows("select run_id from runs where status = 'running'"):
        ledger.put(replace(run_of(ledger, r["run_id"]), status="interrupted"))


def run_of(ledger: Ledger, run_id: str) -> Run:
    """The ledger's record of a run. Raises IndexError where there is none."""
    row = ledger.rows("select * from runs where run_id = ?", [run_id])[0]
    dates = {k: date.fromisoformat(row[k]) if row[k] else None for k in ("business_date", "from_date")}
    return Run(**{**row, **dates})


def definitions_hash() -> str:
    """SHA-256 over every definition that can change a figure: models, macros and seeds, and how the project makes them."""
    digest = hashlib.sha256()
    found = (p for folder in ("models", "macros", "seeds") for p in (PROJECT / folder).rglob("*") if p.suffix in (".sql", ".csv"))
    for path in sorted((*found, PROJECT / "dbt_project.yml")):
        digest.update(path.relative_to(PROJECT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def code_version() -> str:
    """The commit that this code is at, or the installed version outside a checkout."""
    from importlib.metadata import version

    try:
        found = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=PROJECT, capture_output=True, text=True, check=True)  # noqa: S607
    except (OSError, subprocess.CalledProcessError):
        return version("throughline")
    return found.stdout.strip()


def publish(
    district: District,
    ledger: Ledger,
    run: Run,
    manifest_path: Path,
    results: Sequence[gate.NodeResult],
    *,
    whole: bool,
    progress: Callable[[str], None],
) -> PublicationReport:
    """Gate and publish what the models built. Slices that fail keep what was published before. Raises WarehouseError, GateError."""
    manifest = Manifest(manifest_path)
    models = manifest.marts()
    warehouse = open_warehouse(district.warehouse_url)
    broken = {manifest.tested(r.unique_id) for r in results if r.status in ("error", "skipped")} & {m.name for m in models}
    issues = gate.dbt_issues(manifest, results)
    ledger.put(*gate.dbt_checks(run.run_id, manifest, results))
    first = warehouse.current() is None or not warehouse.marts()  # a night on which no mart could be built is published too
    with open_build(district) as db:
        issues += gate.arrival_issues(db, district, ledger, manifest)
        behind = tables_behind_indicators(manifest)
        assemble.prepare(db, [] if broken else models)
        holes = [] if broken else coverage.find_holes(db, district)
        issues += coverage.issues_of(holes, behind | tables_behind_lists(manifest))
        issues += [] if broken else grade_issues(db, district.suppression.min_n)
        as_of = _one_date(db.execute("select as_of from settings.night").fetchall())
        hide_anew = not first and not assemble.is_hidden_by(db, district.suppression.min_n)
        whole = not broken and (whole or first or hide_anew or assemble.needs_whole(db) or not assemble.is_printed(db))
        years = [] if broken else assemble.stage(db, models, whole=whole)
    if broken:
        issues.append(Issue(gate.all_slices(manifest), "critical", f"{', '.join(sorted(broken))} could not be built"))
    elif years:
        progress("checking the staged marts")
        found, checks = gate.run_expectations(district, run.run_id, load_suites("publication"), years)
        issues += found
        ledger.put(*checks)

    made_of = {own: {r["indicator_id"] for r in district.code_map(name)} for own, name in manifest.lists_made_of().items()}
    issues = gate.with_lists(gate.with_wholes(issues), made_of)
    publication_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
    with open_build(district) as db:
        counted = {} if broken else assemble.slices(db, models)
        before = {key: v for key, v in _last_verdicts(ledger, warehouse.current()).items() if made_of.get(v.indicator_id, True)}  # a list of nothing is gone
        slices = {(i, y) for _, i, y in counted} | {(v.indicator_id, v.school_year) for v in before.values()}
        if broken and (year := district.school_year_of(as_of)):
            # nothing was ever published, or not of this year: that nothing can be is to be said too
            slices |= {(i, year.year) for i in gate.all_slices(manifest) if made_of.get(i, True)}  # a list that is made of nothing is not there
        people = assemble.people(db) if not broken and any(i.school_id and i.severity == "critical" for i in issues) else {}
        held_before = {(v.indicator_id, v.school_year, v.school_id) for v in before.values() if v.verdict == "held" and v.school_id}
        decisions = decide(slices, issues, people, district.publication.least_coverage, held_before)
        if of_lists := issues_of_held(decisions, made_of):
            decisions = decide(slices, [*issues, *of_lists], people, district.publication.least_coverage, held_before)
        held = [(d.indicator_id, d.school_year, d.school_id) for d in decisions if d.verdict == "held"]
        if whole and held and not first:
            there = {m.name for m in warehouse.marts()}  # a mart that is new has nothing published
            for m in models:
                if m.name in there:
                    assemble.note_published(db, m, warehouse.read(m.name))
        changes = [] if broken else assemble.changes(db, models, district.suppression.min_n, held, whole=whole, first=first, hide=hide_anew)
        # where a mart could not be built, what is published of coverage and quarantine stays: both are counted against its figures
        operations = {} if broken else {
            "coverage": coverage.coverage_table(coverage.effects(db, holes, behind, district.suppression.min_n)),
            **life.quarantine_tables(db, ledger, behind, district.suppression.min_n, as_of),
        }  # fmt: skip
        if not broken:
            figures = next(m for m in models if m.name == MART)
            kept, operations[maturity.WEEKS] = maturity.keep(db, warehouse, figures, held, publication_id, district.suppression.min_n, hide=hide_anew)
            changes.append(kept)
        fingerprint = assemble.fingerprint(db, models, whole=whole) if not broken else assemble.Fingerprint("", "")
    verdicts = [
        verdict_of(d, m.name, publication_id, as_of, before, counted.get((m.name, d.indicator_id, d.school_year), 0)) for m in models for d in decisions
    ]
    publication = Publication(
        publication_id, run.run_id, now(), as_of, "publishing", fingerprint.content, fingerprint.open, code_version(), district.fingerprint()
    )
    ledger.put(publication, *verdicts)  # before the warehouse moves: a kill in between must not lose since when a slice is held
    progress(f"publishing {publication_id}" + (f", {len(held)} slices held" if held else ""))
    finished = replace(run, status="held" if held else "published", finished_at=now())
    done = replace(publication, status="published")
    plan = Plan(
        publication_id=publication_id,
        build=build_path(district),
        changes=tuple(changes),
        slices=tuple(_statuses(models, decisions, verdicts)),
        operations={**operations_tables(ledger, done, finished, *verdicts, uncounted=frozenset(m.name for m in models if not m.is_open)), **operations},
    )
    warehouse.publish(plan)
    ledger.put(done, finished)
    with open_build(district) as db:
        if not broken:
            assemble.remember_figures(db)
            assemble.remember_policy(db, district.suppression.min_n)
            maturity.note_seen(db)
        if not held and not broken:
            assemble.forget_pending(db, models)
    warehouse.prune(district.warehouse.retain)
    return PublicationReport(done, tuple(verdicts), warehouse.location(), warehouse.how_to_open())


def _one_date(rows: list[tuple[date, ...]]) -> date:
    return rows[0][0]


def _last_verdicts(ledger: Ledger, current: str | None) -> dict[tuple[str, str, int, str], SliceVerdict]:
    if current is None:
        return {}
    return {(v.mart, v.indicator_id, v.school_year, v.school_id): v for v in ledger.verdicts(current)}


def _statuses(models: Sequence[MartModel], decisions: Sequence[SliceDecision], verdicts: Sequence[SliceVerdict]) -> list[SliceStatus]:
    words = {(v.mart, v.indicator_id, v.school_year, v.school_id): v for v in verdicts}
    statuses = []
    for m in models:
        for d in decisions:
            v = words[m.name, d.indicator_id, d.school_year, d.school_id]
            status = SliceStatus(m.name, d.indicator_id, d.school_year, d.school_id, v.data_as_of, status_words(d, v.data_as_of))
            statuses += [status, replace(status, mart=maturity.KEPT)] if m.name == MART else [status]
    return statuses
