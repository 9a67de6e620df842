"""What a file's cells go through before raw where it says who answered: columns dropped, ids hashed or rewritten, free text set apart.

Belongs here: doing it. What is to be done with which column the format decides from the settings (`Format.handling`).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import NamedTuple

from pipelines.district import District, Source
from pipelines.intake.columns import Columns, columns_of
from pipelines.intake.exact import Record
from pipelines.sources import format_of
from pipelines.sources.shape import Handling, Items

HASHED = "pseudonymous: "  # begins the warning that names a hashed column
# What the reasons for dropping a column mean, for the person who wonders where it went.
_WORDS = {
    "redacted": "not kept",
    "undeclared": "not kept, as neither survey_items.csv nor the survey block names them",
}


class Text(NamedTuple):
    """One answer in a respondent's own words: the line it stands in, the column, the words."""

    line: int
    question: str
    words: str


def pseudonym(key: bytes, survey_id: str, respondent: str) -> str:
    """HMAC-SHA256 (RFC 2104) of the survey and the respondent's id, as 64 hexadecimal digits: the same in every wave of a survey, in no other survey."""
    return hmac.new(key, f"{survey_id}|{respondent}".encode(), hashlib.sha256).hexdigest()


@dataclass
class Shield:
    """The treatment of one file. `texts` are filled while `rows` is read, where free text is kept."""

    source: Source
    items: Items
    key: bytes | None = None
    keeps_text: bool = False
    texts: list[Text] = field(default_factory=list)
    _handling: Handling = field(default_factory=Handling)
    _columns: Columns = field(default_factory=lambda: Columns((), (), (), (), ()))
    _by_settings: tuple[str, ...] = ()  # the names of columns that only the settings' `redact` drops

    def columns(self, header: Sequence[str], redacted: Iterable[str], rows: Iterator[Record]) -> Columns:
        """The columns of the file, of which the header and (as far as needed) the first rows are given."""
        of = format_of(self.source)
        head = [r.cells if not r.defect else [] for r in islice(rows, of.n_head)]
        if of.handling is None:
            raise ValueError(f"format {of.name} says nothing of how its columns are handled")
        self._handling = h = of.handling(self.source, header, head, self.items)
        self._columns = replace(columns_of(header, redacted, (), {*h.dropped, *h.text}, h.repeats, h.pseudonym | h.rewritten.keys()), about_people=True)
        kept = set(self._columns.kept)
        ours = {*h.dropped, *h.text}
        self._by_settings = tuple(n for i, n in enumerate(self._columns.names) if i not in kept and i not in ours)
        return self._columns

    @property
    def is_by_row(self) -> bool:
        """Whether cells have to be looked at, so that the file must be read record by record."""
        return bool(self._handling.text or self._columns.hashed)  # rewritten columns are among the hashed ones

    @property
    def hashed(self) -> list[str]:
        """The columns whose cells are hashed (a file has one respondent column at most)."""
        return [self._columns.names[i] for i in sorted(self._columns.hashed & self._handling.pseudonym)]

    def words(self) -> list[str]:
        """What was done with which columns, by name."""
        names = self._columns.names
        why = {i: reason for i, reason in self._handling.dropped.items() if reason in _WORDS}
        said = []
        for reason, words in _WORDS.items():
            some = [names[i] for i in sorted(why) if why[i] == reason and names[i] not in self._by_settings]
            some += self._by_settings if reason == "redacted" else ()
            if some:
                said.append(f"{reason}: {', '.join(some)} {words}")
        if text := ", ".join(names[i] for i in sorted(self._handling.text)):
            where = "kept apart, in restricted/survey_text" if self.keeps_text else "not kept: free text needs safety_owner and retention_days in [survey_text]"
            said.append(f"free_text: {text} {where}")
        if hashed := ", ".join(self.hashed):
            said.append(f"{HASHED}{hashed} kept as a keyed hash")
        return [*said, *self._handling.words]

    def rows(self, records: Iterable[Record]) -> Iterator[Record]:
        """The records with ids hashed; free text is noted on the way. Lines that are not well formed are for `Columns.safe_cells`."""
        for number, record in enumerate(records):
            if record.defect or number < self._handling.n_context:
                yield record
                continue
            cells = list(record.cells)
            for i in self._columns.hashed:
                rewrite = self._handling.rewritten.get(i)
                cells[i] = rewrite(record.cells) if rewrite else self._hashed(cells[i].strip())
            if self.keeps_text:
                self.texts += [Text(record.line, self._columns.names[i], cells[i]) for i in sorted(self._handling.text) if cells[i].strip()]
            yield record._replace(cells=cells)

    def _hashed(self, respondent: str) -> str:
        if not respondent:
            return ""
        if self.key is None or self.source.survey is None:
            raise ValueError(f"source {self.source.id}: no key to make pseudonyms with")
        return pseudonym(self.key, self.source.survey.survey_id, respondent)


def shield_of(district: District, source: Source, items: Items, *, is_first: bool) -> Shield | None:
    """The shield that a source's files need; None where its format has none. Of a file that feeds several tables the first keeps the free text."""
    if format_of(source).handling is None:
        return None
    return Shield(source, items, district.pseudonym_key, keeps_text=district.survey_text is not None and is_first)
