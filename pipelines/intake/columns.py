"""The columns of a raw file: names that Parquet and DuckDB can both hold, and what of them is dropped before raw."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

PROVENANCE = ("_delivery_id", "_file", "_line", "_defect", "_text")


@dataclass(frozen=True)
class Columns:
    """`names` are unique whatever their case, in the file's order; `kept` the positions that go to raw; `duplicates` say names and positions.

    `hashed` are kept positions whose cells reach raw only as a keyed hash.
    """

    names: tuple[str, ...]
    kept: tuple[int, ...]
    duplicates: tuple[str, ...]
    dropped: tuple[str, ...]
    warnings: tuple[str, ...]
    hashed: frozenset[int] = frozenset()
    about_people: bool = False  # what people said: a line that cannot be read may hold anything

    @property
    def is_private(self) -> bool:
        """Whether a line's text as delivered may hold what must not reach raw."""
        return bool(self.dropped or self.hashed or self.about_people)

    def safe_cells(self, cells: Sequence[str]) -> list[str | None]:
        """The kept cells of a line with too few or too many of them.

        Where a column is redacted, a cell that a shift could have moved out of it is left empty too: that is every cell from the redacted
        column on, and as many before it as the line is short of.
        """
        limit = len(self.names)
        if self.is_private:
            private = (i for i in range(len(self.names)) if i not in self.kept or i in self.hashed)
            limit = min(private, default=limit) - max(0, len(self.names) - len(cells))
        return [cells[i] if i < min(limit, len(cells)) else None for i in self.kept]


def columns_of(
    header: Sequence[str],
    redacted: Iterable[str],
    dropped: Collection[int] = (),
    repeats: Collection[int] = (),
    hashed: Collection[int] = (),
) -> Columns:
    """Name the columns of a header. `redacted` is matched whatever the case; in dotted paths a parent redacts all below it.

    The positions in `dropped` go as well; a name at one of `repeats` may have come before.
    """
    first: dict[str, int] = dict.fromkeys(PROVENANCE, -1)
    names: list[str] = []
    duplicates: list[str] = []
    warnings: list[str] = []
    for position, cell in enumerate(header):
        name = cell if cell.strip() else f"column {position + 1}"
        if not cell.strip():
            warnings.append(f"unnamed_column: column {position + 1} has no name")
        if (earlier := first.get(name.lower())) is not None:
            if earlier >= 0 and position in repeats:
                pass
            elif earlier >= 0:
                duplicates.append(f"{name!r} is column {earlier + 1} and column {position + 1}")
            else:
                warnings.append(f"reserved_name: column {position + 1} is called {name!r}, a name kept for provenance")
            number = 2
            while f"{name}#{number}".lower() in first:
                number += 1
            name = f"{name}#{number}"
        first[name.lower()] = position
        names.append(name)
    secret = [r.strip().lower() for r in redacted]
    lowered = [(header[i].strip().lower(), name.lower()) for i, name in enumerate(names)]
    hidden = [i for i, both in enumerate(lowered) if i in dropped or any(_is_below(name, r) for name in both for r in secret)]
    kept = tuple(i for i in range(len(names)) if i not in hidden)
    return Columns(tuple(names), kept, tuple(duplicates), tuple(names[i] for i in hidden), tuple(warnings), frozenset(hashed) & frozenset(kept))


def _is_below(name: str, parent: str) -> bool:
    return name == parent or name.startswith(parent + ".")
