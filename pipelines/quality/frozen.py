"""Who was asked: the roster of the day on which a survey of students opened, frozen by the first finished night on or after that day.

Enrollments that are corrected or entered later change figures of attendance, and not who was asked. What is frozen cannot be found again from the landing
files, so it is kept beside raw: one Parquet file a wave under `restricted/survey_rosters/` of the data folder, which only the owner may read, and an input
to a build from nothing. Where it is lost, or the wave is given another opening day, the next night freezes the roster as it knows it then.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from pipelines.district import District
from pipelines.survey_settings import Survey

COLUMNS = ("survey_id", "wave_id", "opened_on", "student_key", "school_key", "grade_level")


def _file(district: District, wave: Survey) -> Path:
    name = hashlib.sha256(f"{wave.survey_id}\n{wave.wave_id}\n{wave.opens}".encode()).hexdigest()[:24]
    return district.data / "restricted" / "survey_rosters" / f"{name}.parquet"


def _waves(district: District) -> list[Survey]:
    return [w for w in district.surveys if w.role == "student" and w.opens]


def load(db: duckdb.DuckDBPyConnection, district: District) -> None:
    """Fill `held.survey_rosters` with the frozen rosters of the waves that the settings declare, by their opening days."""
    db.execute("""create or replace table held.survey_rosters (survey_id varchar, wave_id varchar, opened_on date, student_key varchar, school_key varchar,
                  grade_level varchar)""")
    for path in (p for p in (_file(district, w) for w in _waves(district)) if p.exists()):
        db.execute(f"insert into held.survey_rosters select {', '.join(COLUMNS)} from read_parquet(?, hive_partitioning=false)", [str(path)])


def freeze(db: duckdb.DuckDBPyConnection, district: District) -> None:
    """Keep the roster of every wave that has opened by the night's date and has none yet; expects the night's models to be built."""
    (as_of,) = db.execute("select as_of from settings.night").fetchall()[0]
    for wave in _waves(district):
        path = _file(district, wave)
        if path.exists() or wave.opens is None or wave.opens > as_of:
            continue
        roster = db.execute(
            """select distinct $survey as survey_id, $wave as wave_id, $opens::date as opened_on, s.student_key, s.school_key, p.grade_level
               from core.dim_stints s join core.dim_students p on p.student_key = s.student_key
               where $opens::date >= s.entry_date and $opens::date < s.exit_date order by all""",
            {"survey": wave.survey_id, "wave": wave.wave_id, "opens": wave.opens},
        ).to_arrow_table()
        path.parent.mkdir(parents=True, exist_ok=True)
        for folder in (path.parent, path.parent.parent):
            folder.chmod(0o700)
        temporary = path.with_suffix(".tmp")
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
            pq.write_table(roster, f)
            f.flush()
            os.fsync(f.fileno())
        temporary.replace(path)
