"""Writes a synthetic district: its settings, its landing files day by day, what was put into them and what was spoilt in them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from pipelines.synth import month, oneroster, surveys
from pipelines.synth.assessments import Assessments, assessment_lines
from pipelines.synth.attendance import Attendance, Marks, attendance_lines
from pipelines.synth.defects import Defects, FileDefect
from pipelines.synth.extracts import calendar_lines, program_lines, staff_lines
from pipelines.synth.gradebook import Gradebook, Items, Results, bulk_file, delta_files
from pipelines.synth.settings import truth, write_json, write_settings
from pipelines.synth.text import Chunk, write_file, write_zip
from pipelines.synth.world import FIRST_STUDENT, World, build_world


def synthesize(
    students: int, days: int, start: date, seed: int, out: Path, *,
    defects: bool = True, scenarios: Collection[str] = (), progress: Callable[[str], None],
) -> None:  # fmt: skip
    """Write a district folder to `out`: `district.toml`, `codes/`, `landing/`, `defects.json` and `truth.json`.

    `scenarios` of a district's first month (see `month`) are planted besides, and told in `scenarios.json`.

    `days` counts school days of the main calendar from `start` (the Monday after, where that is a weekend). The same arguments give the same
    bytes, and the first days of a longer run are the bytes of a shorter one. Raises ValueError where the numbers make no district, and
    FileExistsError where `out` already holds landing files.
    """
    if (out / "landing").exists() and any((out / "landing").iterdir()):
        raise FileExistsError(f"{out / 'landing'} already holds files; name an empty folder, or remove it first")
    progress(f"drawing {students:,} students")
    world = build_world(students, start, seed)
    available = len(world.year.sessions["A"])
    if not 1 <= days <= available:
        raise ValueError(f"the school year from {world.year.start} has {available} school days, and {days} were asked for")
    month.check(world, world.year.sessions["A"][days - 1], scenarios)
    write_settings(world, out)
    writer = _Writer(world, out / "landing", Defects(world) if defects else None)
    last = world.year.sessions["A"][days - 1]
    day, done = world.year.start, 0
    while day <= last:
        writer.day(day)
        done += day in world.year.sessions["A"]
        if day in world.year.weekly_days or day == last:
            progress(f"{day}: {done} of {days} school days written")
        day += timedelta(days=1)
    write_json(out / "defects.json", writer.defects.as_json() if writer.defects else [])
    write_json(out / "truth.json", truth(world, days))
    if scenarios:
        progress("planting the first month")
        month.plant(world, out, scenarios)


class _Writer:
    """Writes the files that land on a day; days must come in order."""

    def __init__(self, world: World, landing: Path, defects: Defects | None) -> None:
        self.world, self.landing, self.defects = world, landing, defects
        self.attendance, self.gradebook, self.assessments = Attendance(world), Gradebook(world), Assessments(world)
        self._bulk_again = False  # the last whole roster was spoilt: send it again
        self._again: Marks | None = None  # rows that the next corrections bring again

    def day(self, day: date) -> None:
        if day in self.world.year.calendar_file_days:
            self._csv("calendar", f"calendar/calendar_{day}.csv", day, calendar_lines(self.world, day))
        if day not in self.world.year.package_days:
            return
        marks, absent, sent = self.attendance.day(day)
        new, results = self.gradebook.night(day, absent)
        self._attendance(day, marks, sent)
        weekly = day in self.world.year.weekly_days
        if weekly:
            self._csv("programs", f"programs/programs_{day}.csv", day, program_lines(self.world, day))
            write_file(self.landing / f"staff/staff_{day}.csv", staff_lines(self.world))
        self._packages(day, new, results, bulk=weekly or self._bulk_again)
        scores = self.assessments.day(day, absent)
        if scores is not None:
            self._csv("assessments", f"assessments/assessments_{day}.csv", day, assessment_lines(self.world, scores))
        for wave, on in surveys.waves(self.world.year).items():
            if on == day:
                self._csv("survey", f"survey/pulse_{wave}_{day}.csv", day, surveys.survey_lines(self.world, wave, day))

    def _csv(self, kind: str, path: str, day: date, chunks: Iterable[Chunk]) -> None:
        write_file(self.landing / path, self._rows(kind, path, day, chunks))

    def _rows(self, kind: str, path: str, day: date, chunks: Iterable[Chunk]) -> Iterable[Chunk]:
        if self.defects is None:
            return chunks
        pending = self.assessments.is_pending if kind == "assessments" else self.gradebook.is_pending
        return self.defects.rows(kind, path, day, chunks, self._is_corrected, pending)

    def _is_corrected(self, student: str) -> bool:
        return bool(self.attendance.corrected[int(student[1:]) - FIRST_STUDENT])

    def _attendance(self, day: date, marks: Marks, sent: Marks | None) -> None:
        path = f"attendance/attendance_{day}.csv"
        defect = self.defects.of_file(day, attendance=True) if self.defects else None
        parts = [m for m in (sent, self._without(self._again, sent)) if m is not None]
        self._again = None
        if parts:
            write_file(self.landing / f"attendance/corrections_{day}.csv", attendance_lines(self.world, *parts))
        if defect is None:
            self._csv("attendance", path, day, attendance_lines(self.world, marks))
        elif self.defects is not None:
            self._spoilt_attendance(self.defects, defect, path, day, marks)

    @staticmethod
    def _without(again: Marks | None, sent: Marks | None) -> Marks | None:
        """The rows to bring again, but for those that the same file corrects."""
        if again is None or sent is None:
            return again
        keep = ~np.isin(again.stay, sent.stay[np.isin(sent.day, again.day)])
        return Marks(again.stay[keep], again.day[keep], again.code[keep])

    def _spoilt_attendance(self, defects: Defects, defect: FileDefect, path: str, day: date, marks: Marks) -> None:
        if defect.kind == "attendance_school_missing":
            stays, schools = self.world.people.stays, self.world.people.schools
            school = int(np.argmax(~schools.on_b))
            keep = stays.school[marks.stay] != school
            write_file(self.landing / path, attendance_lines(self.world, Marks(marks.stay[keep], marks.day[keep], marks.code[keep])))
            self._again = marks
            following = next(d for d in self.world.year.package_days if d > day)
            defects.note(defect, path, day, [], "held", school=schools.ids[school], resent=f"attendance/corrections_{following}.csv")
            return
        right = f"attendance/attendance_{day}_2.csv"
        write_file(self.landing / right, attendance_lines(self.world, marks))
        with (self.landing / right).open(encoding="utf-8") as f:
            write_file(self.landing / path, _spoil_attendance(defect.kind, f, day))
        defects.note(defect, path, day, [], "held", resent=right)

    def _packages(self, day: date, new: Items, results: Results, *, bulk: bool) -> None:
        world, today, folder = self.world, self.world.days.number(day), f"oneroster/{day}"
        marks = list(delta_files(world, day, new, results))
        if not bulk:
            self._zip(f"{folder}/oneroster.zip", day, [*oneroster.delta(world, today), *marks], "delta")
            return
        self._bulk_again = False
        defect = self.defects.of_file(day, attendance=False) if self.defects else None
        kind, path = defect.kind if defect else "", f"{folder}/oneroster.zip"
        view = oneroster.next_year(world) if kind == "roster_next_year" else oneroster.this_year(world)
        files = list(oneroster.bulk(world, view, today))
        if kind == "roster_shrunken":
            n_lines = sum(bytes(c).count(b"\n") for name, chunks in oneroster.bulk(world, view, today) if name == "users" for c in chunks)
            files = [(name, _first_lines(chunks, max(2, n_lines // 5)) if name == "users" else chunks) for name, chunks in files]
        if kind != "roster_next_year":
            files.append(bulk_file(world, self.gradebook.items))
        self._zip(path, day, files, "bulk")
        if self.defects and defect and kind in ("roster_shrunken", "roster_next_year"):
            self._bulk_again = True
            following = next(d for d in world.year.package_days if d > day)
            entry = "!users.csv" if kind == "roster_shrunken" else ""
            self.defects.note(defect, path + entry, day, [], "held", resent=f"oneroster/{following}/oneroster.zip")
        if not marks:
            return
        path = f"{folder}/gradebook.zip"
        if self.defects and defect and kind == "gradebook_truncated":
            right = f"{folder}/gradebook_2.zip"
            self._zip(right, day, marks, "delta")
            whole = (self.landing / right).read_bytes()
            write_file(self.landing / path, [whole[: len(whole) * 3 // 5]])
            self.defects.note(defect, path, day, [], "held", resent=right)
        else:
            self._zip(path, day, marks, "delta")

    def _zip(self, path: str, day: date, files: Iterable[oneroster.File], mode: str) -> None:
        entries = oneroster.package(files, mode)
        spoilt = ((name, self._rows(f"{mode}!{name}", f"{path}!{name}", day, chunks)) for name, chunks in entries)
        write_zip(self.landing / path, spoilt, day)


def _first_lines(chunks: Iterable[Chunk], n: int) -> Iterator[Chunk]:
    """The first `n` lines."""
    for chunk in chunks:
        lines = bytes(chunk).splitlines(keepends=True)[:n]
        yield b"".join(lines)
        n -= len(lines)
        if n == 0:
            return


def _spoil_attendance(kind: str, right: Iterable[str], day: date) -> Iterator[Chunk]:
    """What a file defect makes of the right attendance file, line by line."""
    past = (day - timedelta(days=364)).strftime("%m/%d/%Y")
    for n, line in enumerate(right):
        if kind == "attendance_empty":
            return
        if kind == "attendance_wrong_encoding":
            yield line.encode("utf-16-le")
            continue
        row = line.rstrip("\n").split(",")
        if kind == "attendance_missing_column":
            row = row[:3] + row[4:]
        elif kind == "attendance_duplicated_header":
            row = row[:4] + row[3:]
        elif kind == "attendance_last_year":
            row = [*row[:2], past, *row[3:]] if n else row
        else:
            raise ValueError(f"no such defect of an attendance file: {kind}")
        yield f"{','.join(row)}\n".encode()
