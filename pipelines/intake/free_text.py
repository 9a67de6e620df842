"""The restricted store of free text: what people wrote in their own words in a survey, apart from everything else, for the time that the settings say.

One Parquet file a delivery under `restricted/survey_text/` of the data folder, which only the owner may read, so that deleting one deletes its bytes.
Nothing downstream reads it. What was deleted leaves a tombstone with a count in the ledger.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.district import District
from pipelines.intake.shield import Text
from pipelines.lineage.ledger import Delivery, Ledger, Tombstone, now
from pipelines.survey_settings import Survey

STORE = "survey_text"


def folder(district: District) -> Path:
    return district.data / "restricted" / STORE


def keep(district: District, ledger: Ledger, delivery: Delivery, survey: Survey, texts: Sequence[Text], until: date) -> None:
    """Store a delivery's free text; where its time is over already, only count it. Raises OSError."""
    if not texts or district.survey_text is None:
        return
    if _is_over(delivery.business_date, district.survey_text.retention_days, until):
        _bury(ledger, delivery.delivery_id, len(texts))
        return
    path = folder(district) / delivery.business_date.isoformat() / f"{delivery.delivery_id}.parquet"
    _private_folder(path.parent, district.data)
    same = {"survey_id": survey.survey_id, "wave_id": survey.wave_id, "role": survey.role, "_delivery_id": delivery.delivery_id, "_file": delivery.name}
    columns = {name: pa.array([value] * len(texts), pa.string()) for name, value in same.items()}
    columns |= {"question": pa.array([t.question for t in texts]), "words": pa.array([t.words for t in texts])}
    table = pa.table(columns | {"_line": pa.array([t.line for t in texts], pa.int64())})
    temporary = path.with_suffix(".tmp")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
        pq.write_table(table, f)
        f.flush()
        os.fsync(f.fileno())
    temporary.replace(path)


def expire(district: District, ledger: Ledger, until: date) -> None:
    """Delete what is older than the settings allow, counted from each file's business date; all of it where they no longer allow any."""
    days = district.survey_text.retention_days if district.survey_text else None
    for path in sorted(folder(district).glob("*/*.parquet")):
        if days is None or _is_over(date.fromisoformat(path.parent.name), days, until):
            _bury(ledger, path.stem, pq.read_metadata(path).num_rows)
            path.unlink()
            if not any(path.parent.iterdir()):
                path.parent.rmdir()


def _is_over(day: date, retention_days: int, until: date) -> bool:
    return day + timedelta(days=retention_days) < until


def _bury(ledger: Ledger, delivery_id: str, n: int) -> None:
    ledger.put(Tombstone(STORE, delivery_id, now(), n, "retention"))


def _private_folder(path: Path, data: Path) -> None:
    """Create the folder and those above it up to the data folder, for the owner alone."""
    path.mkdir(parents=True, exist_ok=True)
    while path != data:
        path.chmod(0o700)
        path = path.parent
