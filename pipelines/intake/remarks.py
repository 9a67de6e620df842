"""What a delivery is warned of by the deliveries before it and by its settings.

Belongs here: words about a file that was read. `earlier` are the deliveries of the same source, table and business date.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from pipelines.district import Source
from pipelines.intake.columns import PROVENANCE
from pipelines.intake.shield import HASHED
from pipelines.lineage.ledger import Delivery


def still_there(data: Path, earlier: Sequence[Delivery], delivery: Delivery, kept: Iterable[str], hashed: Iterable[str]) -> tuple[str, ...]:
    """A wave declared more strictly than when this file was taken before: what is kept of it from then does not go away by itself."""
    files = [d for d in earlier if d.name == delivery.name and d.raw_path and d.delivery_id != delivery.delivery_id]
    before = {c for d in files for c in pq.read_schema(data / d.raw_path).names if not any(f"{HASHED}{c} " in w for w in d.warnings)}
    if gone := sorted((before - set(kept) | before & set(hashed)) - set(PROVENANCE)):
        remedy = f"to be rid of it, delete {data} and run again from landing"
        return (f"kept_before: {', '.join(gone)} went to raw, and from there on, when this file was taken before; {remedy}",)
    return ()


def alike(earlier: Sequence[Delivery], delivery: Delivery) -> tuple[str, ...]:
    """Words on other files of the same date and source that this one repeats, or whose name differs in case or in how accents are written only."""
    others = [d for d in earlier if d.name != delivery.name]
    copies = sorted({d.name for d in others if d.sha256 == delivery.sha256 and delivery.n_bytes})
    spelled = sorted({d.name for d in others if _folded(d.name) == _folded(delivery.name)})
    return (
        *(f"same_bytes_as: {name}" for name in copies),
        *(f"same_name_but_for_case: {name}" for name in spelled),
    )


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def not_redacted(source: Source, header: Iterable[str]) -> tuple[str, ...]:
    """A column that the settings redact and that the file does not have may have been renamed: its content would now be kept."""
    present = [h.strip().lower() for h in header]
    gone = [r for r in source.redact if not any(p == r.strip().lower() or p.startswith(r.strip().lower() + ".") for p in present)]
    return tuple(f"redact_absent: no column {r!r} to redact; see that it was not renamed" for r in gone)
