"""A landing folder and a district to take it with, small enough for a unit test."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines.district import District
from pipelines.intake.take import IntakeReport, take
from pipelines.lineage.ledger import Delivery, Ledger

ATTENDANCE: dict[str, Any] = {
    "id": "attendance",
    "format": "extract",
    "table": "attendance",
    "path": "attendance/*",
    "columns": {"attendance_code": "code", "attendance_date": "day", "student_id": "student", "school_id": "school"},
}
ONEROSTER: dict[str, Any] = {"id": "roster", "format": "oneroster", "path": "oneroster/**/*.zip"}
HEADER = "student,school,day,code\n"
ORGS = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n"
COURSES = "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes\n"


@dataclass
class Desk:
    """A district in `folder`, with what its intake says."""

    folder: Path
    sources: list[dict[str, Any]] = field(default_factory=lambda: [ATTENDANCE])
    intake: dict[str, Any] = field(default_factory=lambda: {"settle_seconds": 0})
    landing: str = "landing"
    said: list[str] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)  # other settings

    def __post_init__(self) -> None:
        (self.folder / self.landing).mkdir(parents=True, exist_ok=True)
        self.ledger = Ledger(self.district.data / "ledger.sqlite")

    @property
    def district(self) -> District:
        whole: dict[str, Any] = {
            "folder": self.folder,
            "district": {"id": "maple-hollow", "name": "Maple Hollow"},
            "school_years": (),
            "sources": self.sources,
            "intake": self.intake,
            "paths": {"landing": self.landing},
            **self.more,
        }
        return District(**whole)

    def put(self, name: str, content: str | bytes) -> Path:
        path = self.folder / self.landing / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def take(self, until: date = date(2025, 12, 31)) -> IntakeReport:
        return take(self.district, self.ledger, "run-1", until, self.said.append)

    def one(self) -> Delivery:
        """The only delivery of a take."""
        (delivery,) = self.take().taken
        return delivery

    def raw(self, delivery: Delivery) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = pq.read_table(self.district.data / delivery.raw_path, partitioning=None).to_pylist()
        return rows


def manifest(**modes: str) -> str:
    """A faultless OneRoster 1.2 manifest, but for what `modes` says: data files by name, properties with `_` for `.`."""
    files = [
        "academicSessions", "categories", "classes", "classResources", "courseResources", "courses", "demographics", "enrollments",
        "lineItemLearningObjectiveIds", "lineItems", "lineItemScoreScales", "orgs", "resources", "resultLearningObjectiveIds", "results",
        "resultScoreScales", "roles", "scoreScales", "userProfiles", "userResources", "users",
    ]  # fmt: skip
    values = {"manifest.version": modes.pop("manifest_version", "1.0"), "oneroster.version": modes.pop("oneroster_version", "1.2")}
    values |= {f"file.{f}": "absent" for f in files} | {f"file.{f}": mode for f, mode in modes.items()}
    return "propertyName,value\n" + "".join(f"{name},{value}\n" for name, value in values.items())


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()
