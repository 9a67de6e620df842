"""The columns of a raw file: names that Parquet and DuckDB can both hold, and what of them is dropped before raw."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pipelines.intake.exact import Record
from pipelines.intake.secret import why_secret

PROVENANCE = ("_delivery_id", "_file", "_line", "_defect", "_text")
_INSIDE = "it may be the rest of a cell of a line above, opened there by a quotation mark"


@dataclass(frozen=True)
class Columns:
    """`names` are unique whatever their case, in the file's order; `kept` the positions that go to raw; `duplicates` say names and positions.

    `hashed` are kept positions whose cells reach raw only as a hash, or as what a format makes of them.
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

    def place(self, record: Record) -> tuple[Record, list[str | None]]:
        """A record with its kept cells; none of them where a column is redacted and the record may be the rest of a cell of it."""
        if record.inside and self.dropped:
            return record._replace(defect=record.defect or _INSIDE), [None] * len(self.kept)
        return record, self.safe_cells(record.cells) if record.defect else [record.cells[i] for i in self.kept]


def columns_of(
    header: Sequence[str],
    redacted: Iterable[str],
    keep: Iterable[str] = (),
    dropped: Collection[int] = (),
    repeats: Collection[int] = (),
    hashed: Collection[int] = (),
) -> Columns:
    """Name the columns of a header. `redacted` is matched whatever the case; in dotted paths a parent redacts all below it.

    What the built-in list of secrets names is dropped too, but for columns in `keep`; so are the positions in `dropped`. A name at one of `repeats` may
    have come before.
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
    hides = hiding(redacted, keep)
    hidden = [i for i, name in enumerate(names) if i in dropped or hides(header[i]) or hides(name)]
    configured = hiding(redacted, keep, built_in=False)
    warnings += [
        f"secret: column {_shown(names[i])!r} is not kept, by the built-in list ({why_secret(header[i])}); name it in keep of its source to let it stay"
        for i in hidden
        if i not in dropped and not (configured(header[i]) or configured(names[i]))
    ]
    kept = tuple(i for i in range(len(names)) if i not in hidden)
    gone = tuple(_shown(names[i]) for i in hidden)
    return Columns(tuple(names), kept, tuple(duplicates), gone, tuple(warnings), frozenset(hashed) & frozenset(kept))


def hiding(redacted: Iterable[str], keep: Iterable[str], *, built_in: bool = True) -> Callable[[str], bool]:
    """Whether a column (a dotted path in JSON) may not reach raw."""
    secret = [r.strip().lower() for r in redacted]
    stays = [k.strip().lower() for k in keep]

    def hides(name: str) -> bool:
        plain = name.strip().lower()
        if any(_is_below(plain, r) for r in secret):
            return True
        return built_in and bool(why_secret(name)) and not any(_is_below(plain, k) for k in stays)

    return lru_cache(10_000)(hides)  # in JSON it is asked of every object in a list


def _shown(name: str) -> str:
    """The first line of a name: after a quotation mark that was never closed, others hold data."""
    first = name.strip().partition("\n")[0].partition("\r")[0]
    return first if first == name.strip() else f"{first} ..."


def _is_below(name: str, parent: str) -> bool:
    return name == parent or name.startswith(parent + ".")
