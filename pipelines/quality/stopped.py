"""Files that were stopped at the door: which of them still matter.

Belongs here: why a file was stopped, in words, and whether a later file stands in its place. What a stopped file holds back is decided by the publication gate.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pipelines.lineage.ledger import Delivery, Ledger
from pipelines.quality.expectations import NOTE, PACKAGE, load_suites
from pipelines.sources import ALL_TABLES


def is_mended(blocked: Delivery, accepted: Sequence[Delivery]) -> bool:
    """A later accepted delivery stands in the place of one that was stopped: a whole file of the same day where files speak for a day; of the same folder
    where each speaks for a part of the table (a section's work); else any later whole file. Changes are mended by the same file sent again, or by a whole
    one after them: other changes of the day say nothing about these.
    """
    if not blocked.table_name:
        return any(_stands_for(d, blocked) for d in accepted)
    later = [d for d in accepted if d.source_id == blocked.source_id and d.precedence > blocked.precedence]
    table = ALL_TABLES[blocked.table_name]
    same = [d for d in later if d.table_name == blocked.table_name]
    if blocked.mode == "delta" and any(d.name == blocked.name for d in same):
        return True
    whole = [d for d in same if d.mode == "bulk"]
    if table.scope == "business_date":
        return any(d.business_date == blocked.business_date for d in whole)
    if table.scope == "rows":
        return any(d.name.rpartition("/")[0] == blocked.name.rpartition("/")[0] for d in whole)
    return bool(whole)


def _stands_for(d: Delivery, package: Delivery) -> bool:
    """Whether a file of a package that could be opened takes the place of one that could not: the same name sent again, or the next in sequence.

    Precedence cannot tell: a package that cannot be opened is of no table, and sequences count by table.
    """
    if (d.source_id, d.business_date, _letters(d.name)) != (package.source_id, package.business_date, _letters(package.name)):
        return False
    is_again = d.first_seen_at > package.first_seen_at
    return is_again if d.name.partition("!")[0] == package.name else is_again or d.sequence > package.sequence


def _letters(name: str) -> str:
    """A package's name without numbers and signs: `2025-09-02/marks_2.zip!results.csv` is a later form of `2025-09-02/marks.zip`."""
    return "".join(c for c in name.partition("!")[0].lower() if c.isalpha())


def in_words(stopped: Delivery) -> str:
    """Why a delivery was stopped, which file it is and what to do; "" where it was not. The ledger has the rule's id, or intake's own sentence."""
    if not stopped.why.isidentifier():
        return stopped.why
    if stopped.why == PACKAGE:
        return f"{stopped.name}: stopped with its package, of which another file is wrong ({PACKAGE})"
    rules = load_suites("arrival")[stopped.table_name].rules if stopped.table_name else ()
    said = [text for r in rules if r.id == stopped.why for text in (r.message, r.remedy) if text]
    said[1:1] = [_sentence(w.removeprefix(NOTE)) for w in stopped.warnings if w.startswith(NOTE)]
    return f"{stopped.name}: {' '.join(said)} ({stopped.why})"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


def open_deliveries(ledger: Ledger) -> list[Delivery]:
    """Deliveries that were stopped and are not mended."""
    accepted = ledger.deliveries(status=("accepted",))
    return [d for d in ledger.deliveries(status=("blocked", "unreadable")) if not is_mended(d, accepted)]


def standing(ledger: Ledger) -> list[Delivery]:
    """Of those, the ones that no later delivery of the same name has replaced, whatever became of that one."""
    newest: dict[tuple[str, str, date, str], int] = {}
    for d in ledger.deliveries():
        newest[_place(d)] = max(d.sequence, newest.get(_place(d), 0))
    return [d for d in open_deliveries(ledger) if d.sequence == newest[_place(d)]]


def _place(d: Delivery) -> tuple[str, str, date, str]:
    return d.source_id, d.table_name, d.business_date, d.name


def is_by_rule(stopped: Delivery) -> bool:
    """Whether a rule stopped it (its id is the why), and not intake, which writes a sentence about a file that it could not use."""
    return stopped.status == "blocked" and bool(stopped.raw_path) and stopped.why.isidentifier()


def package_of(d: Delivery) -> str:
    """The OneRoster package, zip or folder, that a file came in; "" for a file of another format."""
    archive, is_zip, _ = d.name.partition("!")
    if is_zip:
        return archive
    return d.name.rpartition("/")[0] or "." if d.table_name.startswith("oneroster__") else ""


def root_of(d: Delivery, stopped: Sequence[Delivery]) -> Delivery:
    """Of a delivery that was stopped with its package, the one of `stopped` that was wrong; else the delivery itself."""
    if d.why != PACKAGE:
        return d
    same = (d.source_id, d.business_date, package_of(d))
    return next((s for s in stopped if s.why != PACKAGE and (s.source_id, s.business_date, package_of(s)) == same), d)
