"""When a later file stands in the place of one that was stopped, and what is said of it until then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from pipelines.lineage.ledger import Delivery, Ledger
from pipelines.quality.stopped import in_words, is_mended, package_of, root_of, standing

DAY = date(2025, 9, 2)
ACCEPTED = Delivery(
    "id", "roster", "oneroster__results", DAY, "2025-09-02/marks.zip!results.csv", 1, 20_333_00000001, "delta", "sha", 1, "run", "2025-09-03T02:00:00.000",
    status="accepted",
)  # fmt: skip
UNREADABLE = replace(ACCEPTED, table_name="", name="2025-09-02/marks.zip", status="unreadable", why="2025-09-02/marks.zip: is cut short")
LATER, EARLIER = "2025-09-04T02:00:00.000", "2025-09-02T02:00:00.000"


@pytest.mark.parametrize(
    ("later", "mends"),
    [
        (replace(ACCEPTED, first_seen_at=LATER), True),  # sent again, as the first of its table: no higher precedence than the package had
        (replace(ACCEPTED, first_seen_at=EARLIER), False),  # the good one that the cut-off one replaced
        (replace(ACCEPTED, first_seen_at=EARLIER, sequence=2, precedence=ACCEPTED.precedence + 1), False),  # nor by its sequence, which counts by table
        (replace(ACCEPTED, name="2025-09-02/marks_2.zip!results.csv", sequence=2), True),  # the next in sequence, taken in the same night
        (replace(ACCEPTED, name="2025-09-02/roster.zip!users.csv", first_seen_at=LATER, sequence=2), False),  # another package of that day
        (replace(ACCEPTED, name="2025-09-03/marks.zip!results.csv", business_date=date(2025, 9, 3), first_seen_at=LATER), False),  # the next day's changes
        (replace(ACCEPTED, source_id="other", first_seen_at=LATER), False),
    ],
)
def test_a_package_that_could_not_be_opened(later: Delivery, mends: bool) -> None:
    assert is_mended(UNREADABLE, [later]) is mends


def test_the_outcome_names_the_file_the_rule_and_the_remedy() -> None:
    stopped = replace(ACCEPTED, status="blocked", why="required_columns", warnings=("header: the file has no column 'Code'.", "redacted: password"))
    words = in_words(stopped)
    assert words.startswith("2025-09-02/marks.zip!results.csv: The file lacks a column")
    assert "The file has no column 'Code'. " in words
    assert "password" not in words
    assert words.endswith("in district.toml. (required_columns)")
    assert in_words(UNREADABLE) == UNREADABLE.why
    assert in_words(ACCEPTED) == ""


@pytest.mark.parametrize(
    ("name", "table", "package"),
    [
        ("2025-09-02/marks.zip!results.csv", "oneroster__results", "2025-09-02/marks.zip"),
        ("roster/results.csv", "oneroster__results", "roster"),
        ("results.csv", "oneroster__results", "."),
        ("attendance/day.csv", "extract__attendance", ""),
    ],
)
def test_the_package_of_a_file(name: str, table: str, package: str) -> None:
    assert package_of(replace(ACCEPTED, name=name, table_name=table)) == package


def test_a_file_stopped_with_its_package_leads_to_the_one_that_was_wrong() -> None:
    wrong = replace(ACCEPTED, status="blocked", why="not_shrunken")
    other = replace(wrong, name="2025-09-02/marks.zip!users.csv", table_name="oneroster__users", why="package_is_whole")
    elsewhere = replace(wrong, name="2025-09-02/more.zip!users.csv", table_name="oneroster__users")
    assert root_of(other, [elsewhere, other, wrong]) == wrong
    assert root_of(wrong, [elsewhere, other, wrong]) == wrong
    assert root_of(other, [elsewhere, other]) == other


def test_a_stopped_file_that_was_sent_again_is_not_looked_at_again(tmp_path: Path) -> None:
    """The new form may be as bad, or not judged yet: the old one says nothing any more of the package that both came in."""
    wrong = replace(ACCEPTED, status="blocked", why="not_shrunken")
    other = replace(wrong, delivery_id="other", name="2025-09-02/marks.zip!users.csv", table_name="oneroster__users", why="package_is_whole")
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.put(wrong, other)
    assert standing(ledger) == [wrong, other]
    ledger.put(replace(ACCEPTED, delivery_id="again", sequence=2, precedence=wrong.precedence + 1, status="raw"))
    assert standing(ledger) == [other]
    ledger.close()
