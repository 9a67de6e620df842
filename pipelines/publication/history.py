"""The publications so far: listing them, and going back to one.

Belongs here: what a rollback must leave behind so that the next night is right. How a warehouse moves between its versions is its own affair.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.district import District
from pipelines.lineage.graph import MartModel
from pipelines.lineage.ledger import Ledger, Publication
from pipelines.publication import assemble
from pipelines.publication.warehouse import Warehouse, WarehouseError
from pipelines.quality.build import build_path, open_build


@dataclass(frozen=True)
class PastPublication:
    """A publication, how many of its slices (over all marts) were held, whether people see it now, and whether it can be rolled back to."""

    publication: Publication
    n_slices: int
    n_held: int
    is_visible: bool
    is_kept: bool


def history(ledger: Ledger, warehouse: Warehouse) -> list[PastPublication]:
    """Every publication, newest first."""
    counts = {
        r["publication_id"]: (r["n"], r["held"])
        for r in ledger.rows("select publication_id, count(*) as n, sum(verdict = 'held') as held from verdicts group by 1")
    }
    now, kept = warehouse.current(), set(warehouse.versions())
    return [
        PastPublication(p, *counts.get(p.publication_id, (0, 0)), p.publication_id == now, p.publication_id in kept) for p in reversed(ledger.publications())
    ]


def find_publication(ledger: Ledger, name: str) -> Publication:
    """A publication by its id, or the newest that was published as `latest`. Raises WarehouseError."""
    done = [p for p in ledger.publications() if p.status == "published"]
    if not done:
        raise WarehouseError("nothing has been published yet; start with `throughline run --date YYYY-MM-DD`")
    if name == "latest":
        return done[-1]
    found = next((p for p in done if p.publication_id == name), None)
    if found is None:
        raise WarehouseError(f"there is no publication {name}; see `throughline publications list`")
    return found


def roll_back(district: District, ledger: Ledger, warehouse: Warehouse, models: Sequence[MartModel], name: str) -> str:
    """Show people an earlier publication again; gives its id. Nothing of the later ones is lost.

    The build is told first that the next publication must be whole: it will start from the older one, which lacks what was published in between.
    """
    wanted = find_publication(ledger, name).publication_id
    if wanted not in warehouse.versions():
        raise WarehouseError(f"publication {wanted} is no longer kept (warehouse.retain in district.toml); choose one marked as kept")
    if build_path(district).exists():
        with open_build(district) as db:
            assemble.ask_for_whole(db, models)
    warehouse.rollback(wanted)
    return wanted
