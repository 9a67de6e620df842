"""Plants the scenarios of the first month in a synthetic district that is written already: their files, their settings, and `scenarios.json`.

Belongs here: the order of the days, and what is written when. What happens is in `scenarios.py` and `packages.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pipelines.synth.month import packages, scenarios, town
from pipelines.synth.month.town import Dates, Slot, Town, text_of
from pipelines.synth.settings import write_json
from pipelines.synth.text import write_file
from pipelines.synth.world import World

SURVEY = "survey_roster"
NAMES: tuple[str, ...] = (*(s.name for s in scenarios.SCENARIOS), *(p.name for p in packages.PACKAGES), SURVEY)
SLOTS: tuple[Slot, ...] = ("before", *range(town.FIRST_DAYS), "weekend", "rollover")
OPENS = 5  # the day of school (from 0) on which the first survey opens
NIGHTS: tuple[Slot, ...] = (1, 4, "weekend", 5, 6, 8, "rollover")  # after these a look at what came of it is worth a night
_CODES = {
    "exit_codes": "code,exit_type,is_no_show\nNS,no_show,true\nT1,transfer,false\n",
    "course_codes": "course_id,subject\nCR01,math\nCR02,english\nCR03,science\nCR04,social_studies\n",
}
_ATTENDANCE = "code,absent_share,is_excused,is_tardy,modality\nP,0,false,false,\nA,1,false,false,\nE,1,true,false,\nT,0,false,true,\nH,{half},false,false,\n"
_PARTICIPATION = "VP,0,false,false,remote\nVN,1,false,false,remote\n"
_YEAR = """\
[[school_years]]
year = {year}
start = {start}
end = {end}
terms = [{{ id = "{year}-s1", name = "Semester 1", start = {opens}, end = {half} }}, {{ id = "{year}-s2", name = "Semester 2", start = {after}, end = {end} }}]

"""


def check(world: World, last: date, wanted: Collection[str]) -> None:
    """Raise ValueError where a name is none of `NAMES`, or a district written to its day `last` is too short for the scenarios."""
    if unknown := sorted(set(wanted) - set(NAMES)):
        raise ValueError(f"no scenario is called {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    if wanted and Dates(world.year).of(town.FIRST_DAYS - 1) > last:
        raise ValueError(f"the scenarios of the first month need {town.FIRST_DAYS} days on which all schools are in session, the last of them by {last}")


def plant(world: World, out: Path, wanted: Collection[str]) -> None:
    """Write the scenarios named in `wanted` into the district at `out`, which `check` has passed. The same arguments give the same bytes."""
    dates = Dates(world.year)
    chosen = [s for s in scenarios.SCENARIOS if s.name in wanted]
    files: dict[str, list[str]] = {name: [] for name in NAMES}
    state = Town(dates)
    for slot in SLOTS:
        _day(state, slot, chosen, out / "landing", files)
    for package in packages.PACKAGES:
        if package.name in wanted:
            files[package.name].append(package.write(world, dates, package.slot, out / "landing"))
    _settings(world, dates, out, wanted)
    write_json(out / "scenarios.json", _told(world, dates, wanted, files))


def _day(state: Town, slot: Slot, chosen: Collection[scenarios.Scenario], landing: Path, files: dict[str, list[str]]) -> None:
    """Tonight's files: what stands where it changed, and the day's rows. Notes which files a scenario's step had a part in."""
    if slot == 0:
        state.open_year()
    if isinstance(slot, int):
        state.school_day(slot)
    ordinary, parts = set(state.touched), dict[str, set[str]]()
    for scenario in chosen:
        if step := scenario.steps.get(slot):
            state.touched = set()
            step(state)
            parts[scenario.name] = set(state.touched)
    for table in ordinary.union(*parts.values()):
        rows = state.instead.get(table, state.rows(table)) if table in town.WHOLE else state.days.get(table, [])
        if not rows and table in town.WHOLE:
            continue
        path = f"month/{table}/{table}_{state.dates.iso(slot)}.csv"
        write_file(landing / path, [text_of(table, rows).encode()])
        for name in sorted(parts):
            if table in parts[name]:
                files[name].append(path)
    state.touched = set(state.instead)  # what was sent wrong is sent again
    state.days, state.instead = {}, {}


def _settings(world: World, dates: Dates, out: Path, wanted: Collection[str]) -> None:
    """The year before and the year after, the sources of the extracts, attendance by exceptions, and the code maps."""
    path = out / "district.toml"
    text = path.read_text(encoding="utf-8")
    before, after = (_year(world, n) for n in (-1, 1))
    this = text.index("[[school_years]]")
    following = text.index("# The first file of the week")
    text = text[:this] + before + text[this:following] + after + text[following:]
    text = text.replace("[attendance]\n", "".join(f"{block}\n" for block in town.sources()) + "[attendance]\n")
    text = text.replace('reporting = "positive"\n', f'reporting = "exceptions"\npositive_schools = ["{town.VIRTUAL}"]\n\n[enrollment]\ngone_is = "never_was"\n')
    text = text.replace('id = "synthetic"\n', 'id = "synthetic"\nagencies = ["district"]\n')
    if SURVEY in wanted:
        text = text.replace('wave_id = "w1"\n', f'wave_id = "w1"\nopens = {dates.iso(OPENS)}\n')
    path.write_text(text, encoding="utf-8")
    for name, content in _CODES.items():
        write_file(out / "codes" / f"{name}.csv", [content.encode()])
    write_file(out / "codes" / "attendance_codes.csv", [(_ATTENDANCE.format(half="0.5") + _PARTICIPATION).encode()])
    if "definition_changed" in wanted:
        write_file(out / "changes" / "attendance_codes.csv", [(_ATTENDANCE.format(half="1") + _PARTICIPATION).encode()])


def _year(world: World, n: int) -> str:
    """Another school year's block, `n` years from this one."""
    year = world.year
    opens, half = (d + timedelta(days=364 * n) for d in (year.start, year.semester_end))
    first, last = year.first_day.replace(year=year.first_day.year + n), year.last_day.replace(year=year.last_day.year + n)
    return _YEAR.format(year=year.year + n, start=first, end=last, opens=opens, half=half, after=half + timedelta(days=1))


def _told(world: World, dates: Dates, wanted: Collection[str], files: dict[str, list[str]]) -> dict[str, Any]:
    """`scenarios.json`."""
    entries: list[dict[str, Any]] = [
        {"name": s.name, "what": s.what, "subjects": list(s.subjects), "files": files[s.name], "expect": dict(s.expect)} for s in scenarios.SCENARIOS
    ]
    subjects = {"name_changed": [packages.renamed_student(world)]}
    entries += [
        {"name": p.name, "what": p.what, "subjects": subjects.get(p.name, []), "files": files[p.name], "expect": dict(p.expect)} for p in packages.PACKAGES
    ]
    words = "who was asked stays who was in the roster on the night on which the survey opened"
    entries.append({"name": SURVEY, "what": "enrollments change after a survey has opened", "subjects": [town.MIDDLE], "files": [],
                    "expect": {"kind": "figure", "words": words}})  # fmt: skip
    return {
        "nights": [dates.iso(s) for s in NIGHTS],
        "days": [dates.iso(k) for k in range(town.FIRST_DAYS)],
        "survey_opens": dates.iso(OPENS),
        "scenarios": [e for e in entries if e["name"] in wanted],
    }
