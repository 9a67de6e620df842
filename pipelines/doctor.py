"""What is wrong with a district's set-up, in order of importance, each with its remedy. Looks, and changes nothing.

Belongs here: the examinations. Each is a small function that gives findings; a finding says what to do. Nothing here may depend on a run having gone well.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import duckdb

from pipelines.code_maps import CODE_MAPS
from pipelines.district import District, load_district
from pipelines.intake.fetch import api_sources
from pipelines.intake.scan import find
from pipelines.lineage.ledger import Ledger
from pipelines.publication.warehouse import WarehouseError, open_warehouse
from pipelines.quality.build import build_path, open_build
from pipelines.quality.expectations import PACKAGE
from pipelines.quality.stopped import in_words, open_deliveries
from pipelines.settings import SettingsError
from pipelines.sources import ALL_TABLES
from pipelines.survey_settings import PSEUDONYM_KEY

Weight = Literal["serious", "warning", "info"]
ORDER: tuple[Weight, ...] = ("serious", "warning", "info")
_SMALL_DISK, _LOW_DISK = 1_000_000_000, 5_000_000_000  # bytes
_EXAMPLES = 3
_UNREAD = ": no source in district.toml reads it"
_MAPS_OF_TABLE = {
    "attendance": ("attendance_codes",), "attendance_periods": ("attendance_codes",), "calendar": ("calendar_codes",), "programs": ("program_codes",),
    "discipline": ("discipline_codes",),
}  # fmt: skip
# Without these a table is still read: the values are taken to be ours.
_MAPS_THAT_HELP = {
    "students": ("grade_levels", "sex_codes", "race_codes"), "enrollments": ("grade_levels", "exit_codes"), "marks": ("mark_scale",),
    "assessments": ("performance_levels",),
}  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """`serious`: figures are missing, wrong or cannot be made. `warning`: look at it. `info`: good to know."""

    weight: Weight
    what: str
    remedy: str


def examine(folder: Path) -> list[Finding]:
    """Everything that is found, the most important first. Empty: nothing is wrong."""
    try:
        district = load_district(folder)
    except SettingsError as e:
        return [Finding("serious", str(e), "Mend district.toml; nothing else can be looked at before it can be read.")]
    found = [*_landing(district), *_apis(district), *_code_maps(district), *_survey_key(district), *_data_folder(district)]
    path = district.data / "ledger.sqlite"
    if path.exists():
        try:
            ledger = Ledger(path)
        except sqlite3.DatabaseError as e:
            found.append(Finding("serious", f"{path}: the ledger cannot be read ({e}).", "Restore it from a backup; raw files and the warehouse are whole."))
        else:
            try:
                for look in (_runs, _deliveries, _build, _warehouse):
                    found += look(district, ledger)
            finally:
                ledger.close()
    else:
        found.append(Finding("info", "Nothing has been run yet.", f"throughline run --district {folder} --date YYYY-MM-DD"))
    found += _tools(district)
    return sorted(found, key=lambda f: ORDER.index(f.weight))


def _some(names: list[str]) -> str:
    more = len(names) - _EXAMPLES
    return "; ".join(names[:_EXAMPLES]) + (f"; and {more} more" if more > 0 else "")


def _landing(district: District) -> Iterator[Finding]:
    try:
        files, unread = find(district, date.max)
    except SettingsError as e:
        yield Finding("serious", str(e), "Make the folder, or name the right one; then let the systems deliver into it.")
        return
    if not files:
        yield Finding("serious", f"{district.landing}: holds no file that a source reads.", "Compare the files' names with path and date of each source.")
    delivered = {f.source.id for f in files}
    if files and (silent := [s.id for s in district.sources if s.id not in delivered]):
        yield Finding("info", f"No file has come for {_some(silent)}.", "Ask whoever sends it, or compare path in district.toml with the file's name.")
    if unread:
        yield Finding("warning", f"{len(unread)} files in {district.landing} are read by nothing: {_some([u.removesuffix(_UNREAD) for u in unread])}.",
                      "Add a source for them to district.toml, mend its path or date expression, or stop sending them.")  # fmt: skip


def _apis(district: District) -> Iterator[Finding]:
    for source in api_sources(district):
        try:
            district.credentials(source)
        except SettingsError as e:
            yield Finding("serious", f"{e}.", "Set them for the account that runs the nightly job, and nowhere in a file of the project.")


def _code_maps(district: District) -> Iterator[Finding]:
    needed = [m for s in district.sources for m in _MAPS_OF_TABLE.get(s.table or "", ())]
    if any(s.survey for s in district.sources):
        needed += ["survey_items", "survey_scales"]
    for name in dict.fromkeys(needed):
        path = district.folder / district.paths.codes / f"{name}.csv"
        try:
            rows = district.code_map(name)
        except (SettingsError, UnicodeDecodeError) as e:
            yield Finding("serious", str(e) if isinstance(e, SettingsError) else f"{path}: is not UTF-8.", "Mend the file; it is a plain CSV in UTF-8.")
            continue
        if not rows:
            what = "is empty" if path.exists() else "is missing"
            yield Finding("serious", f"{path}: {what}, so no row that needs it can be read.", f"Write it with the header {','.join(CODE_MAPS[name])}.")
    for name in dict.fromkeys(m for s in district.sources for m in _MAPS_THAT_HELP.get(s.table or "", ())):
        path = district.folder / district.paths.codes / f"{name}.csv"
        try:
            empty = not district.code_map(name)
        except (SettingsError, UnicodeDecodeError) as e:
            yield Finding("serious", str(e) if isinstance(e, SettingsError) else f"{path}: is not UTF-8.", "Mend the file; it is a plain CSV in UTF-8.")
            continue
        if empty:
            what = "is empty" if path.exists() else "is missing"
            yield Finding("warning", f"{path}: {what}, so codes are read as they stand in the file.",
                          f"Write it with the header {','.join(CODE_MAPS[name])}, unless the file uses Throughline's own values.")  # fmt: skip
    told = {*needed, *(m for s in district.sources for m in _MAPS_THAT_HELP.get(s.table or "", ()))}
    for name in CODE_MAPS:
        if name not in told and (district.folder / district.paths.codes / f"{name}.csv").exists():
            try:
                district.code_map(name)
            except (SettingsError, UnicodeDecodeError) as e:
                why = str(e) if isinstance(e, SettingsError) else f"{name}.csv: is not UTF-8."
                yield Finding("serious", why, "Mend the file; it is a plain CSV in UTF-8.")


def _survey_key(district: District) -> Iterator[Finding]:
    waves = [s.id for s in district.sources if s.survey and s.survey.respondent == "pseudonymous"]
    if waves and district.pseudonym_key is None:
        what = f"{PSEUDONYM_KEY} is not set (16 characters or more), so that the pseudonymous surveys {_some(waves)} are not taken."
        yield Finding("serious", what, "Set it in the environment of whatever starts the runs; never in district.toml.")


def _data_folder(district: District) -> Iterator[Finding]:
    there = next(p for p in (district.data, *district.data.parents) if p.exists())
    if not os.access(there, os.W_OK):
        yield Finding("serious", f"{there}: cannot be written.", "Give this account the right to write there, or set paths.data.")
    free = shutil.disk_usage(there).free
    build = build_path(district)
    need = max(_SMALL_DISK, 3 * build.stat().st_size if build.exists() else 0)
    if free < need:
        yield Finding("serious", f"{free / 1e9:.1f} GB are free at {there}; a run needs about {need / 1e9:.1f}.", "Make room, or lower warehouse.retain.")
    elif free < _LOW_DISK:
        yield Finding("warning", f"{free / 1e9:.1f} GB are free at {there}.", "Make room before it runs out, or lower warehouse.retain.")


def _is_running(district: District) -> bool:
    from filelock import FileLock, Timeout

    lock = district.data / "run.lock"
    if not lock.exists():
        return False
    try:
        with FileLock(lock, timeout=0):
            return False
    except Timeout:
        return True


def _runs(district: District, ledger: Ledger) -> Iterator[Finding]:
    running = _is_running(district)
    if running:
        yield Finding("info", "A run of this district is under way.", "Nothing to do; look again when it has ended.")
    last = ledger.rows("select * from runs order by started_at desc limit 1")
    if not last:
        return
    day, status = last[0]["business_date"], last[0]["status"]
    again = f"throughline run --district {district.folder} --date {day}"
    if status == "failed":
        why = f": {last[0]['message']}" if last[0]["message"] else ""
        yield Finding("serious", f"The last run, for {day}, failed{why}; people see the publication before it.", f"Run it again and read what it says: {again}")
    elif status == "interrupted" or (status == "running" and not running):
        yield Finding(
            "warning", f"The last run, for {day}, was cut off; people see the publication before it.", f"Run it again, it takes up where it was: {again}"
        )


def _deliveries(district: District, ledger: Ledger) -> Iterator[Finding]:
    stopped = open_deliveries(ledger)
    if stopped:
        packages = list(dict.fromkeys(in_words(d) for d in stopped if d.why != PACKAGE))
        yield Finding("serious", f"{len(packages) or len(stopped)} files were stopped and nothing has come in their place: {_some(packages)}. "
                      "The figures that need them are held back.",
                      "Have them sent again, or let them through: throughline quarantine list, throughline quarantine release")  # fmt: skip
    if waiting := [d.name for d in ledger.deliveries(status=("raw",))]:
        yield Finding("info", f"{len(waiting)} files are taken and not yet judged: {_some(waiting)}.", "The next run up to their date judges them.")


def _build(district: District, ledger: Ledger) -> Iterator[Finding]:
    path = build_path(district)
    if not path.exists() or _is_running(district):
        return
    try:
        with open_build(district, read_only=True) as db:
            there = {n for (n,) in db.execute("select table_name from information_schema.tables where table_schema = 'quarantine'").fetchall()}
            counts = {t: db.execute(f"select count(distinct (_delivery_id, _line)) from quarantine.{t}").fetchall()[0][0] for t in ALL_TABLES if t in there}
    except duckdb.IOException as e:
        who = str(e).splitlines()[0]
        yield Finding("serious", f"{path}: another program holds it, and a run could not write. {who}", "Close that program, or stop its process.")
        return
    except duckdb.Error as e:
        yield Finding("serious", f"{path}: cannot be read ({str(e).splitlines()[0]}).", f"Remove {path.parent} and run again: it is built from raw anew.")
        return
    if total := sum(counts.values()):
        worst = [f"{n} of {t}" for t, n in sorted(counts.items(), key=lambda c: -c[1]) if n]
        yield Finding("warning", f"{total} rows are in quarantine, and in no figure: {_some(worst)}.", "throughline quarantine list")


def _warehouse(district: District, ledger: Ledger) -> Iterator[Finding]:
    published = [p for p in ledger.publications() if p.status == "published"]
    try:
        warehouse = open_warehouse(district.warehouse_url, wait_seconds=1)
        current = warehouse.current()
    except WarehouseError as e:
        yield Finding("serious", str(e), "See that the warehouse is there and warehouse.url (or THROUGHLINE_WAREHOUSE_URL) says where.")
        return
    if not published:
        return
    newest = published[-1]
    file = Path(district.warehouse_url.removeprefix("duckdb:///")) if district.warehouse_url.startswith("duckdb:") else None
    if current is None or (file and not file.exists()):
        yield Finding("serious", f"{warehouse.location()}: the ledger knows of publication {newest.publication_id}, but nothing is to be seen there.",
                      "Run again, or show one that is kept: throughline publications rollback latest")  # fmt: skip
        return
    if current != newest.publication_id:
        yield Finding(
            "info", f"People see publication {current}, not the newest ({newest.publication_id}).", "It was rolled back; the next run publishes anew."
        )
    held = sorted({v.indicator_id for v in ledger.verdicts(current) if v.verdict == "held"})
    if held:
        yield Finding("warning", f"Held back in the publication that people see: {', '.join(held)}.", "throughline publications show latest says why.")


def _tools(district: District) -> Iterator[Finding]:
    if not shutil.which("java"):
        yield Finding("info", "There is no Java here; the second engine (Spark) and its comparison are left out.", "Nothing to do on one machine with DuckDB.")
    if district.warehouse_url.startswith("duckdb:") and not shutil.which("psql"):
        yield Finding("info", "There is no PostgreSQL here; the warehouse is a DuckDB file.", "Nothing to do, unless many people should query at once.")
