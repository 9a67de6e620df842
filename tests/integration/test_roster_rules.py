"""The arrival gate on OneRoster packages, with intake and gate for real: what is reported of a package, what is set aside, and what order may not change."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.district import District
from pipelines.intake.take import take
from pipelines.lineage.ledger import Ledger
from pipelines.quality import hold, judge
from pipelines.quality.arrival import arrive
from pipelines.sources import ALL_TABLES
from tests import packages
from tests.landing import zipped

ORGS = "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId"
YEAR = {"year": 2026, "start": "2025-08-01", "end": "2026-06-30"}
Files = dict[str, list[str]]


def district(folder: Path) -> District:
    (folder / "landing").mkdir(parents=True, exist_ok=True)
    return District.model_validate({
        "folder": folder, "district": {"id": "maple-hollow", "name": "Maple Hollow"}, "school_years": [YEAR],
        "sources": [{"id": "roster", "format": "oneroster", "path": "*.zip"}], "intake": {"settle_seconds": 0},
    })  # fmt: skip


def send(folder: Path, day: date, files: Files) -> None:
    (folder / "landing" / f"{day}.zip").write_bytes(zipped({f"{f}.csv": "\n".join(lines) + "\n" for f, lines in files.items()}))


def edit(files: Files, file: str, line: int, old: str, new: str) -> None:
    assert old in files[file][line - 1]
    files[file][line - 1] = files[file][line - 1].replace(old, new, 1)


class Gate:
    """Nights of intake and arrival gate."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.district = folder, district(folder)
        self.ledger = Ledger(self.district.data / "ledger.sqlite")

    def night(self, day: date, files: Files) -> dict[tuple[str, str], int]:
        """Send and take a package; the rules that fail, by table, with how many rows."""
        send(self.folder, day, files)
        take(self.district, self.ledger, str(day), day, lambda _: None)
        report = arrive(self.district, self.ledger, str(day), day, lambda _: None)
        return {(c.subject.removeprefix("oneroster__"), c.check_id): c.n_unexpected for c in report.checks if not c.passed}

    def warnings(self, table: str, day: date) -> list[str]:
        return [w for d in self.ledger.deliveries(on=[day]) if d.table_name == f"oneroster__{table}" for w in d.warnings]

    def held(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.folder / "data/build/build.duckdb"), read_only=True) as db:
            return db.execute(sql).fetchall()


def spoilt() -> Files:
    """A bulk package with each cross-file rule broken on a line of its own."""
    files = packages.package("1.2")
    edit(files, "courses", 2, "sy26", "t1")  # a term for a school year
    edit(files, "courses", 2, "09,10", "09,Ten")
    edit(files, "courses", 2, "02052,02001", "02052")
    edit(files, "classes", 3, ",s1,", ",d1,")  # a class at the district
    edit(files, "users", 4, ",s1,", ",s2,")  # no role there
    files["roles"].append("r5,,,u3,primary,teacher,2025-10-01,,s1,")  # a second primary role
    edit(files, "roles", 2, "p1", "p2")  # another's profile
    edit(files, "enrollments", 4, ",s1,", ",d1,")  # a student at the district: set aside
    files["enrollments"].append("e4,,,k1,s1,u2,teacher,true,,")  # a second primary teacher
    edit(files, "lineItems", 3, "t1", "sy26")
    edit(files, "lineItems", 3, ",s1", ",d1")
    edit(files, "lineItems", 2, "0,20", "5,20")
    edit(files, "results", 2, "18.5", "4")  # below the least: set aside
    edit(files, "results", 3, ",,,,,,,true", ",,,k2,,,,true")  # another class
    edit(files, "userResources", 2, ",s1,", ",s9,")  # nowhere at all
    return files


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Gate:
    return Gate(tmp_path_factory.mktemp("gate"))


def test_the_gate_reports_what_files_say_of_one_another(gate: Gate) -> None:
    assert gate.night(date(2025, 9, 1), packages.package("1.2")) == {}
    assert gate.night(date(2025, 9, 2), spoilt()) == {
        ("courses", "school_year_is_a_school_year"): 1, ("courses", "grades_are_known"): 1, ("courses", "subjects_have_their_codes"): 1,
        ("classes", "school_is_a_school"): 1, ("users", "primary_org_has_a_role"): 1, ("roles", "one_primary_role_at_an_org"): 2,
        ("roles", "profile_is_the_users_own"): 1, ("enrollments", "school_is_a_school"): 1, ("enrollments", "one_primary_teacher"): 2,
        ("line_items", "session_is_within_a_year"): 1, ("line_items", "school_is_a_school"): 1, ("results", "score_is_not_below_the_least"): 1,
        ("results", "class_is_the_assignments"): 1, ("user_resources", "organization_is_known"): 1, ("user_resources", "package_is_self_consistent"): 1,
    }  # fmt: skip
    aside = (
        "select 'enrollments', _line, _rule from quarantine.oneroster__enrollments union all select 'results', _line, _rule from quarantine.oneroster__results"
    )
    assert sorted(gate.held(aside)) == [("enrollments", 4, "school_is_a_school"), ("results", 2, "score_is_not_below_the_least")]


@pytest.mark.parametrize("mode", ["bulk", "delta"])
def test_a_package_of_1_1_with_every_file_is_held_without_a_remark(tmp_path: Path, mode: str) -> None:
    gate = Gate(tmp_path)
    assert gate.night(date(2025, 9, 1), packages.package("1.1", mode)) == {}
    union = " union all ".join(f"select count(*) as n from held.{t} where _is_open" for t in ALL_TABLES if t.startswith("oneroster"))
    assert gate.held(f"select sum(n)::int from ({union})") == [(sum(len(lines) - 1 for lines in packages.V11.values()),)]


def test_a_bulk_package_is_judged_by_itself_and_a_delta_by_what_is_held(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    assert gate.night(date(2025, 9, 1), packages.package("1.2")) == {}
    alone = {"manifest": packages.manifest("1.2", {"enrollments": "bulk"}), "enrollments": packages.V12["enrollments"]}
    assert gate.night(date(2025, 9, 2), alone) == {("enrollments", "package_is_self_consistent"): 3}, "the district holds them, the package does not"
    delta = packages.package("1.2", "delta")
    changes = {"manifest": packages.manifest("1.2", {"enrollments": "delta"}), "enrollments": delta["enrollments"]}
    assert gate.night(date(2025, 9, 3), changes) == {}
    mixed = changes | {"manifest": packages.manifest("1.2", {"enrollments": "bulk", "classes": "delta", "users": "delta", "orgs": "delta"})}
    mixed |= {"enrollments": packages.V12["enrollments"], "classes": delta["classes"][:2], "users": delta["users"][:1], "orgs": delta["orgs"][:1]}
    assert gate.night(date(2025, 9, 4), mixed) == {}, "changes are to what is held"


def test_older_words_are_read_with_a_named_warning(tmp_path: Path) -> None:
    gate = Gate(tmp_path)
    files = packages.package("1.2")
    edit(files, "orgs", 4, "s2,,,", "s2,active,,")
    edit(files, "results", 3, "not submitted", "late")
    edit(files, "results", 3, ",true", ",")
    assert gate.night(date(2025, 9, 1), files) == {}
    assert gate.warnings("orgs", date(2025, 9, 1)) == ["status_in_bulk: 1 lines of a bulk file say a status, which is not read"]
    assert gate.warnings("results", date(2025, 9, 1)) == ["legacy_score_status: 1 lines say 'late', read as submitted and late"]
    gone = {"manifest": packages.manifest("1.2", {"orgs": "delta"}), "orgs": [ORGS, "s2,inactive,2025-09-02T00:00:00.000Z,Birch School,school,0200,d1"]}
    assert gate.night(date(2025, 9, 2), gone) == {}
    drifted = "column_gone: metadata.city"  # the delta is without the vendor's column
    assert gate.warnings("orgs", date(2025, 9, 2)) == ["legacy_status: 1 lines say 'inactive', read as 'tobedeleted'", drifted]
    assert gate.held("select sourced_id from held.oneroster__orgs where _is_open and _withdrawn_on is null order by 1") == [("d1",), ("s1",)]
    with sqlite3.connect(tmp_path / "data/ledger.sqlite") as db:
        assert db.execute("select count(*) from deliveries where status <> 'accepted'").fetchall() == [(0,)]


Change = tuple[str, tuple[tuple[str, str], ...]]  # bulk or delta; org and what is said of it
_ids = st.sampled_from(["a", "b", "c"])
_bulk = st.dictionaries(_ids, st.sampled_from(["One", "Two"]), min_size=1).map(lambda d: ("bulk", tuple(d.items())))
_delta = st.dictionaries(_ids, st.sampled_from(["One", "Two", "gone"]), min_size=1).map(lambda d: ("delta", tuple(d.items())))


def orgs(change: Change) -> Files:
    mode, said = change
    stamp = "2025-09-01T00:00:00.000Z"
    rows = [f"{k},,,{v},school,," if mode == "bulk" else f"{k},{'tobedeleted' if v == 'gone' else 'active'},{stamp},{v},school,," for k, v in said]
    return {"manifest": packages.manifest("1.2", {"orgs": mode}), "orgs": [ORGS, *rows]}


def held_after(folder: Path, nights: Sequence[dict[date, Files]]) -> list[tuple[Any, ...]]:
    """The open orgs after packages arrived in these nights, through intake, projection and merge."""
    settings_ = district(folder)
    ledger = Ledger(settings_.data / "ledger.sqlite")
    table = ALL_TABLES["oneroster__orgs"]
    with duckdb.connect() as db:
        hold.ensure_tables(db, [table])
        for i, sent in enumerate(nights):
            for day, files in sent.items():
                send(folder, day, files)
            taken = list(take(settings_, ledger, str(i), date(2025, 12, 31), lambda _: None).taken)
            judge.load_deliveries(db, taken, frozenset())
            judge.load_candidates(db, settings_, table, {}, taken, settings_.data)
            judge.judge(db, table, ())
            hold.merge(db, table)
        ledger.close()
        return db.execute("select sourced_id, name, _withdrawn_on, _known_on from held.oneroster__orgs where _is_open order by 1").fetchall()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_order_in_which_packages_arrive_changes_nothing(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    changes: list[Change] = data.draw(st.lists(st.one_of(_bulk, _delta), min_size=2, max_size=4))
    sent = [(date(2025, 9, 1 + i), change) for i, change in enumerate(changes)]
    truth: dict[str, str] = {}
    for _, (mode, said) in sent:
        truth = dict(said) if mode == "bulk" else truth | dict(said)
    order = data.draw(st.permutations(sent))
    together = held_after(tmp_path_factory.mktemp("together"), [{day: orgs(c) for day, c in sent}])
    one_by_one = held_after(tmp_path_factory.mktemp("apart"), [{day: orgs(c)} for day, c in order])
    assert one_by_one == together
    # an org that is gone was true until then and stays known, with the day
    assert [(k, v) for k, v, gone_on, _ in together if gone_on is None] == sorted((k, v) for k, v in truth.items() if v != "gone")
