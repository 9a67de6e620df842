"""The project's views and seeds, made by the first district that a test process runs and handed to all later ones.

They hang on definitions alone (`docs/decisions/0010-views.md`), and making them is a third of a first load: a whole build finds them standing, as it does
after a changed setting, and makes every table.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from pipelines.lineage.graph import Manifest
from pipelines.nightly import prepare_manifest

_folder = TemporaryDirectory(prefix="standing-")
_kept = Path(_folder.name) / "build.duckdb"


def hand_over(build: Path) -> None:
    """Let a district that has no build database begin with views and seeds, where another has made them."""
    if _kept.exists() and not build.exists():
        build.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_kept, build)


def keep(build: Path) -> None:
    """Keep the views and seeds of a build database, and nothing else of it, unless that was done before."""
    if _kept.exists():
        return
    copy = _kept.with_name("all.duckdb")
    shutil.copyfile(build, copy)
    wanted = {*Manifest(prepare_manifest()).standing(), ("settings", "standing")}
    with duckdb.connect(str(copy)) as db:
        for schema, name, kind in db.execute("select table_schema, table_name, table_type from information_schema.tables").fetchall():
            if (schema, name) not in wanted:
                db.execute(f"""drop {"view" if kind == "VIEW" else "table"} "{schema}"."{name}" """)
        finished = db.execute("from settings.standing").fetchall()
    if finished:
        copy.rename(_kept)
