"""A night of late changes: 1 % of the attendance rows and of the marks of the last ten weeks come again, changed.

Belongs here: choosing the rows and writing the two files as the district's systems would. They are dated like the newest files, so that no new school
day comes with them and the night's cost is that of the changes alone.
"""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, timedelta

import duckdb

from bench.district import Folder

WEEKS, ONE_IN = 10, 100
_RESULTS = (
    "sourcedId", "status", "dateLastModified", "lineItemSourcedId", "studentSourcedId", "scoreStatus", "score", "scoreDate", "comment", "textScore",
    "classSourcedId", "inProgress", "incomplete", "late", "missing",
)  # fmt: skip


def write_changes(folder: Folder, day: date) -> int:
    """Write the corrections and the gradebook delta of `day`; returns the number of rows. Every row differs from what is held."""
    since = day - timedelta(weeks=WEEKS)
    with duckdb.connect(str(folder.build), read_only=True) as db:
        days = db.execute(
            f"""select student_id, school_id, strftime(attendance_date::date, '%m/%d/%Y'), case attendance_code when 'P' then 'A' else 'P' end, modality
                from held.extract__attendance
                where _is_open and attendance_date::date > $since and hash(student_id, attendance_date) % {ONE_IN} = 0 order by all""",
            {"since": since},
        ).fetchall()
        marks = db.execute(
            f"""select r.sourced_id, 'active', $day || 'T23:00:00.000Z', r.line_item_sourced_id, r.student_sourced_id, 'fully graded',
                    case when r.score = i.result_value_max then '0' else i.result_value_max end, $day, '', '', i.class_sourced_id,
                    'false', 'false', 'false', 'false'
                from held.oneroster__results r join held.oneroster__line_items i on i.sourced_id = r.line_item_sourced_id
                where r._is_open and i.due_date::date > $since and hash(r.sourced_id) % {ONE_IN} = 0 order by all""",
            {"since": since, "day": day.isoformat()},
        ).fetchall()
    landing = folder.path / "landing"
    with (landing / "attendance" / f"corrections_{day}_9.csv").open("w", newline="", encoding="utf-8") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(("Student Number", "School Number", "Date", "Code", "Modality"))
        writer.writerows(days)
    package = landing / "oneroster" / str(day)
    with zipfile.ZipFile(package / "oneroster.zip") as old, zipfile.ZipFile(package / "changes_9.zip", "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr("manifest.csv", _manifest(old.read("manifest.csv").decode()))
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        rows.writerow(_RESULTS)
        rows.writerows(marks)
        new.writestr("results.csv", text.getvalue())
    return len(days) + len(marks)


def _manifest(old: str) -> str:
    """The manifest of a package that holds results alone."""
    lines = []
    for name, value in csv.reader(io.StringIO(old)):
        held = "delta" if name == "file.results" else "absent" if name.startswith("file.") else value
        lines.append(f"{name},{held}\n")
    return "".join(lines)
