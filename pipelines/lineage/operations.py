"""The `operations` tables: the ledger as people and BI tools read it, published with the marts.

Belongs here: turning records into Arrow tables. No value of any person is in them; what counts people in a figure is suppressed like the figure.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import date

import pyarrow as pa

from pipelines.lineage.ledger import KEYS, TABLES, Check, Delivery, Ledger, Publication, Release, Run, SliceVerdict

_KINDS = (Run, Delivery, Check, SliceVerdict, Publication, Release)
_TYPES = {"int": pa.int64(), "bool": pa.bool_(), "date": pa.date32(), "date | None": pa.date32()}
# A path on the machine that runs the pipeline; and of a released row its key, which names a student, with what somebody wrote about it.
_LEFT_OUT = {"raw_path", "row_key", "reason"}


def operations_tables(ledger: Ledger, *extra: Publication | SliceVerdict | Run, uncounted: frozenset[str] = frozenset()) -> dict[str, pa.Table]:
    """Every `operations` table by name. `extra` are records that will be in the ledger once the publication is visible. Of the marts `uncounted` (those of
    people, whose rows may be those who are flagged) verdicts say no number of rows.
    """
    tables = {}
    for kind in _KINDS:
        names = [f.name for f in fields(kind) if f.name not in _LEFT_OUT]
        # annotations are text: every record module has `from __future__ import annotations`
        types = {f.name: _TYPES.get(str(f.type), pa.string()) for f in fields(kind)}
        rows = {tuple(r[k] for k in KEYS[kind]): r for r in ledger.rows(f"select * from {TABLES[kind]}")}
        for record in extra:
            if isinstance(record, kind):
                row = {f.name: getattr(record, f.name) for f in fields(kind)}
                rows[tuple(_plain(row[k]) for k in KEYS[kind])] = row
        ordered = [{**r, "n_rows": None} if kind is SliceVerdict and r["mart"] in uncounted else r for r in rows.values()]
        columns = {n: pa.array([_typed(r[n], types[n]) for r in ordered], types[n]) for n in names}
        tables[TABLES[kind]] = pa.table(columns)
    return tables


def _plain(value: object) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _typed(value: object, kind: pa.DataType) -> object:
    if value is None:
        return None
    if kind == pa.date32():
        return date.fromisoformat(value) if isinstance(value, str) else value
    if kind == pa.bool_():
        return bool(value)
    return value if kind != pa.string() else str(value)
