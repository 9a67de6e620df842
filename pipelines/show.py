"""What the command line shows: tables and sentences for people, and progress while something runs.

Belongs here: layout and wording. What is shown is worked out in the rooms below; nothing here opens a file or a database.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from pipelines.mapping import Draft

PROGRESS = logging.getLogger("throughline.progress")
_PLAIN_WIDTH = 160  # columns where there is no terminal
_THROTTLE = 2.0  # seconds between plain lines that begin alike
_GRADEBOOK = ("oneroster__categories", "oneroster__line_items", "oneroster__results")
_FEW = 3  # schools that a sentence names
_KINDS = {"oneroster": "Roster", "lms": "Learning system", "extract": "", "survey": "Survey", "registry": "Improvement"}
_WEIGHTS = {"serious": "[bold red]serious[/]", "warning": "[yellow]warning[/]", "info": "info"}


def console(*, err: bool = False) -> Console:
    """Where to print: as wide as the terminal, or wide enough to be read in a log."""
    stream = sys.stderr if err else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else _PLAIN_WIDTH, highlight=False)


class _Plain(logging.Handler):
    """A line each on stderr, with the seconds since the start; of lines that begin alike only some, lest a thousand files give a thousand lines."""

    def __init__(self) -> None:
        super().__init__()
        self._start = self._last = time.monotonic()
        self._word = ""

    def emit(self, record: logging.LogRecord) -> None:
        text, now = record.getMessage(), time.monotonic()
        word = text.partition(" ")[0]
        if word == self._word and now - self._last < _THROTTLE:
            return
        self._word, self._last = word, now
        sys.stderr.write(f"[{now - self._start:5.0f} s] {text}\n")
        sys.stderr.flush()


class _Live(logging.Handler):
    """One line that changes."""

    def __init__(self, bar: Progress, first: str) -> None:
        super().__init__()
        self._bar, self._task = bar, bar.add_task(first)

    def emit(self, record: logging.LogRecord) -> None:
        self._bar.update(self._task, description=escape(record.getMessage()))


@contextmanager
def progress(first: str) -> Iterator[None]:
    """Show what is logged to `throughline.progress`: one live line with the time on a terminal, plain lines elsewhere; always on stderr."""
    before, propagate = PROGRESS.level, PROGRESS.propagate
    PROGRESS.setLevel(logging.INFO)
    PROGRESS.propagate = False
    try:
        if sys.stderr.isatty():
            columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
            with Progress(*columns, console=console(err=True), transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
                yield from _handled(_Live(bar, first))
        else:
            yield from _handled(_Plain(), first)
    finally:
        PROGRESS.setLevel(before)
        PROGRESS.propagate = propagate


def _handled(handler: logging.Handler, first: str = "") -> Iterator[None]:
    PROGRESS.addHandler(handler)
    try:
        if first:
            PROGRESS.info("%s", first)
        yield
    finally:
        PROGRESS.removeHandler(handler)


def table(out: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[str] = (), whole: Sequence[str] = ()) -> None:
    """A table whose cells are plain text; columns named in `right` hold numbers, those in `whole` are never broken over lines."""
    grid = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        grid.add_column(name, justify="right" if name in right else "left", overflow="fold", no_wrap=name in (*right, *whole))
    for row in rows:
        grid.add_row(*(escape(number(c)) for c in row))
    out.print(grid)
    out.print()


def number(value: object) -> str:
    """A cell's text: whole numbers with separators, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def percent(value: float | None) -> str:
    return "" if value is None else f"{value * 100:.1f} %"


def figure(value: float | None, indicator: Mapping[str, Any], *, with_unit: bool = True) -> str:
    """A figure as a person reads it: a share in percent, a mean or an average as a number with its unit. `indicator` says value_kind and unit."""
    if value is None or indicator["value_kind"] not in ("mean", "mean_change", "daily_average"):
        return percent(value)
    return f"{value:.3f}" + (f" {indicator['unit']}" if with_unit else "")


def table_words(name: str) -> str:
    """`oneroster__line_items` -> `Gradebook: line items`."""
    kind, words = kind_words(name), name.partition("__")[2].replace("_", " ")
    return kind if kind.lower() == words or not words else f"{kind}: {words}"


def kind_words(name: str) -> str:
    """What sort of file a table is of: `oneroster__users` -> `Roster`, `extract__attendance` -> `Attendance`."""
    if not name:
        return "Unopened files"
    prefix, _, rest = name.partition("__")
    return "Gradebook" if name in _GRADEBOOK else _KINDS.get(prefix, prefix) or rest.replace("_", " ").capitalize()


def run(
    out: Console,
    district: str,
    outcome: Any,
    figures: Sequence[Mapping[str, Any]],
    stopped: Sequence[Sequence[str]],
    aside: Sequence[Any],
    names: Mapping[str, str],
    missing: Sequence[str],
) -> None:
    """What a run took, held back and published. `stopped` are (file, why, what stands in its place), `names` the indicators' by their ids, `missing` those
    of indicators without a figure.
    """
    out.print(f"[bold]{escape(district)}[/], figures to {outcome.as_of}\n")
    held = [v for v in outcome.verdicts if v["verdict"] == "held"]
    if stopped or aside or held or outcome.waiting:
        out.print(f"{escape(_in_short(outcome, held, names, len(stopped), sum(a.n_rows for a in aside)))}\n")
    _taken(out, outcome.deliveries)
    if stopped:
        table(out, "Held back: files stopped at the door", ("file", "why", "now"), stopped)
    if outcome.waiting:
        table(out, "Left for the next run", ("file", "why"), [(w["name"], w["why"].removeprefix(f"{w['name']}: ")) for w in outcome.waiting])
    if aside:
        rows = [(table_words(a.table), a.n_rows, a.since, a.message, a.remedy) for a in aside]
        table(out, "Rows set aside, tonight and before: in no figure until they are mended", ("of", "rows", "since", "why", "what to do"), rows, ("rows",))
    if held:
        kept = list(dict.fromkeys((v["indicator_id"], v["school_id"] or "all", v["data_as_of"] or "none yet", v["why"]) for v in held))
        table(out, "Held back: figures that keep their last good value", ("indicator", "school", "data to", "why"), kept, whole=("indicator", "data to"))
    warned = list(dict.fromkeys((v["indicator_id"], v["school_id"] or "all", v["why"]) for v in outcome.verdicts if v["verdict"] == "warning"))
    if warned:
        table(out, "Published with a warning", ("indicator", "school", "why"), warned)
    if not (stopped or aside or held or outcome.waiting):
        out.print("Nothing is held back.\n")
    _figures(out, figures, missing)
    out.print(f"Publication {outcome.publication_id} in {escape(outcome.location)}", soft_wrap=True)
    out.print(escape(outcome.how_to_open), soft_wrap=True)


def _in_short(outcome: Any, held: Sequence[Mapping[str, Any]], names: Mapping[str, str], n_stopped: int, n_aside: int) -> str:
    """What a night that held something back comes to, for somebody who reads no table."""
    places: dict[tuple[str, str], set[str]] = {}  # (indicator, data to) -> schools, "" all of them
    for v in held:
        places.setdefault((v["indicator_id"], v["data_as_of"]), set()).add(v["school_id"])
    alike: dict[tuple[str, str], list[str]] = {}  # (data to, where) -> indicators
    for (indicator, since), schools in places.items():
        where = "" if "" in schools else f" at school {', '.join(sorted(schools))}" if len(schools) <= _FEW else f" at {len(schools)} schools"
        alike.setdefault((since, where), []).append(names.get(indicator, indicator))
    kept = [f"{', '.join(some)}{where} (data to {since})" for (since, where), some in sorted(alike.items()) if since]
    never = [f"{', '.join(some)}{where}" for (since, where), some in sorted(alike.items()) if not since]
    out = "no figure went out" if held and len(held) == outcome.n_slices else f"the figures to {outcome.as_of} are out{'' if held else ', all of them'}"
    clauses = [out]
    if kept:
        clauses.append(f"these keep their last good value: {'; '.join(kept)}")
    if never:
        clauses.append(f"not out yet: {'; '.join(never)}")
    counts = ((n_stopped, "file stopped at the door"), (n_aside, "row set aside"), (len(outcome.waiting), "thing left for the next run"))
    also = ", ".join(f"{number(n)} {words if n == 1 else words.replace(' ', 's ', 1)}" for n, words in counts if n)
    return f"In short: {'; '.join(clauses)}.{f' Also: {also}.' if also else ''} What to do is below; a figure goes out by itself when what it lacks has come."


def _taken(out: Console, deliveries: Sequence[Mapping[str, Any]]) -> None:
    if not deliveries:
        out.print("No new file was there to take.\n")
        return
    sums: dict[str, list[int]] = {}
    for d in deliveries:
        is_stopped = d["status"] in ("blocked", "unreadable")
        mine = sums.setdefault(kind_words(d["table_name"]), [0] * 7)
        counts = (1, d["n_rows"], d["n_accepted"], 0 if is_stopped else d["n_quarantined"], d["n_superseded"], d["n_duplicate"], d["n_rows"] * is_stopped)
        for k, n in enumerate(counts):
            mine[k] += n
    rows: list[Sequence[object]] = [(kind, *n) for kind, n in sorted(sums.items())]
    rows.append(("Together", *(sum(n[k] for n in sums.values()) for k in range(7))))
    names = ("files", "rows in", "accepted", "set aside", "superseded", "duplicate", "stopped")
    table(out, "Taken", ("", *names), rows, names)


def _figures(out: Console, figures: Sequence[Mapping[str, Any]], missing: Sequence[str]) -> None:
    rows = []
    for f in figures:
        value = figure(f["value"], f) if f["suppression"] == "none" else "too few to show"
        between = f"{figure(f['ci_low'], f, with_unit=False)} to {figure(f['ci_high'], f, with_unit=False)}" if f["ci_low"] is not None else ""
        note = "" if f["quality_status"] == "ok" else f["quality_status"]
        rows.append((f["indicator_name"], f["profile_id"], value, between, f["n_subjects"], f["data_as_of"], note))
    names = ("indicator", "profile", "district", "95 % interval", "people", "data to", "note")
    table(out, "Published: the district, year to date", names, rows, ("district", "people"))
    if missing:
        out.print(f"Nothing to count yet for: {', '.join(missing)}\n")


def trace(out: Console, t: Any, published: Mapping[str, Any] | None) -> None:
    """A trace from the figure down to lines of files."""
    f = t.figure
    place = f"school {f['school_id']}" if f["school_id"] is not None else "the district"
    grade = f"grade {f['grade_level']}" if f["grade_level"] is not None else "all grades"
    group = "all students" if f["group_family"] == "all" else f"{f['group_family']} = {f['group_value']}"
    when = f"{f['period_type'].replace('_', ' ')} from {f['period_start']} (school year {f['school_year']})"
    out.print(f"[bold]{escape(t.indicator['indicator_name'])}[/], profile {escape(t.profile['profile_id'])}: {escape(f'{place}, {grade}, {group}, {when}')}")
    out.print(f"{escape(t.indicator['description'])}\n")
    over, under = t.numerator_measure, t.denominator_measure
    table(out, "The figure", ("", "in the mart", "from the rows", ""), [
        (t.indicator["numerator_words"], f["numerator"], t.numerator, over["description"]),
        (t.indicator["denominator_words"], f["denominator"], t.denominator, under["description"]),
        ("people", f["n_subjects"], t.n_subjects, ""),
        ("value", figure(f["value"], t.indicator), figure(float(t.numerator / t.denominator), t.indicator) if t.denominator else "", ""),
    ], ("in the mart", "from the rows"))  # fmt: skip
    out.print("[green]The rows add up to the figure.[/]" if t.agrees else "[bold red]The rows do not add up to the figure.[/]")
    out.print(f"{escape(_seen(f, published, t.indicator))}\n")
    share = [(x.name or "no file is recorded", x.business_date, x.n_rows, _lines(x), (x.sha256 or "")[:12], x.delivery_id) for x in t.files]
    table(out, f"Files: {t.n_rows:,} rows of {under['fact']}", ("file", "date", "rows", "lines", "sha256", "delivery"), share, ("rows",))
    if t.failed_checks:
        failed = [(c["gate"], c["subject"], c["check_id"], c["severity"], c["school_id"], c["n_times"], c["message"]) for c in t.failed_checks]
        of_checks = ("gate", "of", "check", "severity", "school", "times", "message")
        table(out, "Checks that failed on these files or this indicator", of_checks, failed, ("times",))
    rows = [(r.subject_key, r.school_key, r.on_date, r.what, r.numerator, r.denominator, r.file or "", r.line) for r in t.rows]
    names = ("who", "school", "date", "what", over["measure_id"], under["measure_id"], "file", "line")
    table(out, f"Rows: the first {len(rows):,} of {t.n_rows:,}", names, rows, (over["measure_id"], under["measure_id"], "line"))
    out.print("These rows are student level: keep them as you keep the files they come from.")


def _lines(share: Any) -> str:
    return "" if share.first_line is None else f"{share.first_line} to {share.last_line}"


def _seen(built: Mapping[str, Any], published: Mapping[str, Any] | None, indicator: Mapping[str, Any]) -> str:
    """What people see in the warehouse under the figure's key."""
    if published is None:
        return "The warehouse has no row for it."
    if published["suppression"] != "none":
        return f"People do not see it: it is suppressed ({published['suppression']}), as too few stand behind it or its neighbors."
    same = all(published[c] == built[c] for c in ("numerator", "denominator", "n_subjects"))
    seen = f"data to {published['data_as_of']}, {published['quality_status']}"
    if same:
        return f"People see the same figure ({seen})."
    return f"People see another figure, {figure(published['value'], indicator)} ({seen}): this one is not published."


def fetched(out: Console, results: Sequence[Any]) -> None:
    """What came of every resource of an API."""
    words = {"failed": "failed", "unavailable": "not available", "absent": "not on this server"}
    rows = [(f"{r.source_id}/{r.resource}", words.get(r.status, r.how), r.n_records if r.status == "fetched" else None, r.why) for r in results]
    table(out, "Fetched", ("resource", "what came", "records", "why"), rows, ("records",))


def publications(out: Console, past: Sequence[Any]) -> None:
    rows = [
        (x.publication.publication_id, x.publication.as_of, x.publication.created_at[:19].replace("T", " "), x.publication.status, x.n_slices - x.n_held,
         x.n_held, "now seen" if x.is_visible else "kept" if x.is_kept else "")
        for x in past
    ]  # fmt: skip
    names = ("publication", "figures to", "made (UTC)", "status", "slices published", "held", "")
    table(out, "Publications, newest first", names, rows, ("slices published", "held"))


def publication(out: Console, p: Any, verdicts: Sequence[Any], figures: Sequence[Mapping[str, Any]]) -> None:
    out.print(f"[bold]Publication {p.publication_id}[/], figures to {p.as_of}, {p.status}, made {p.created_at} by run {p.run_id}")
    out.print(f"code {p.code_version}; content {p.content_hash[:16]}; of what goes out {p.open_hash[:16]}; settings {p.settings_fingerprint[:16]}\n")
    rows = [(v.mart, v.indicator_id, v.school_year, v.school_id or "all", v.verdict, v.data_as_of, v.n_rows, v.why) for v in verdicts]
    rows = [(*r[:2], str(r[2]), *r[3:]) for r in rows]  # a year is no quantity
    table(out, "Slices", ("mart", "indicator", "year", "school", "verdict", "data to", "rows", "why"), rows, ("rows",))
    if figures:
        _figures(out, figures, ())


def quarantine(out: Console, stopped: Sequence[Sequence[object]], aside: Sequence[Any]) -> None:
    if stopped:
        of_files = ("delivery", "file", "rows", "date", "why")
        table(out, "Files stopped at the door, nothing has come in their place", of_files, stopped, ("rows",), ("delivery",))
    if aside:
        rows = [(a.table, a.rule, a.n_rows, a.since, a.message, a.remedy, a.owner, ", ".join(a.indicators)) for a in aside]
        names = ("table", "rule", "rows", "since", "why", "what to do", "owner", "is missing in")
        table(out, "Rows set aside", names, rows, ("rows",), ("table", "rule"))
    if not (stopped or aside):
        out.print("Nothing is held back at the door.")


def explanation(out: Console, e: Any, sources: Sequence[str]) -> None:
    out.print(f"[bold]{escape(e.name)}[/] ({e.indicator_id}; {e.direction})\n{escape(e.description)}\n")
    out.print(f"Figure: {escape(e.formula)}.\n{escape(e.rollup)}\n")
    table(out, "Measures", ("measure", "is"), e.measures)
    table(out, "Profiles", ("profile", "says"), e.profiles)
    out.print(f"Made from the accepted tables {', '.join(e.tables)}.")
    if sources:
        out.print(f"In this district they come from the sources {', '.join(sources)}.")


def findings(out: Console, found: Sequence[Any]) -> None:
    if not found:
        out.print("Nothing is wrong.")
    for f in found:
        out.print(f"{_WEIGHTS[f.weight]}  {escape(f.what)}\n         {escape(f.remedy)}", soft_wrap=True)


def mapping(out: Console, file: str, found: Draft) -> None:
    """A drafted source: where columns went, what is open, the codes, and the block to copy."""
    out.print(f"[bold]{escape(file)}[/]: {found.n_rows:,} rows, read as table {found.table}")
    for remark in found.remarks:
        out.print(f"  {escape(remark)}")
    out.print()
    table(
        out,
        "Columns",
        ("ours", "theirs", "needed", "why"),
        [(p.ours, p.theirs or "not found", "yes" if p.is_required else "", p.why) for p in found.places],
        whole=("ours", "theirs"),
    )
    if found.unread:
        rows = [(c.name, c.shape, c.n_filled, c.n_different) for c in found.unread]
        table(out, "Columns that nothing reads (kept in raw; see `redact`)", ("theirs", "holds", "filled", "different"), rows, right=("filled", "different"))
    for ours, codes in found.codes.items():
        out.print(f"[bold]Codes of {escape(ours)}, for the code map[/]")
        table(out, "", ("code", "rows"), codes, right=("rows",))
    out.print("[bold]For district.toml[/]")
    out.print(found.toml, markup=False, soft_wrap=True)


def conformance(out: Console, report: Any) -> None:
    out.print(f"[bold]{escape(report.package)}[/], checked against OneRoster CSV {report.version}\n")
    table(out, "Files", ("file", "mode", "rows"), [(f"{f.file}.csv", f.mode, f.n_rows) for f in report.files], ("rows",))
    rows = [
        (f.severity, f.rule, f.file, f.column, f.count, ", ".join(str(n) for n in f.lines) + (", ..." if f.count > len(f.lines) > 0 else ""),
         f"{f.message} {f.detail}".strip(), f.remedy, f.place)
        for f in report.findings
    ]  # fmt: skip
    if rows:
        table(out, "Findings", ("severity", "rule", "file", "column", "times", "lines", "what", "remedy", "place in the standard"), rows, ("times",), ("rule",))
    out.print("It keeps to the standard." if report.is_conformant else "It does not keep to the standard: see the findings marked critical or warning.")
