"""The list of priority students over nights: its flags are those of the student mart, and all else is worked out again from the files with pandas."""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import duckdb
import pandas as pd
import pytest

from tests.districts import START, TestDistrict
from tests.nights import Night, make
from tests.oracle import Oracle, us
from tests.unit.test_file_types import workbook

NIGHTS = [START + timedelta(days=n) for n in (15, 16, 17)]
BROKEN = START + timedelta(days=18)
OPENED = START + timedelta(days=2)
RULES = [
    ("chronic_absence", "city", "The school will call home and ask what helps."),
    ("chronic_absence", "edfacts", "An adult will sit down with the student this week."),
]
QUESTION = "An adult here knows me well"
WAVE = """
[[sources]]
id = "{wave}"
format = "google_forms"
path = "tell/{wave}_*.csv"
date_formats = {{ answered_on = "%m/%d/%Y %H:%M:%S" }}
[sources.survey]
survey_id = "tell"
wave_id = "{wave}"
school_column = "School"
opens = {opens}
{more}
"""
LINKED = 'respondent = "linked"\nconsent_basis = "consent"\nconsent_text = "Form 7"\nrespondent_column = "Student"\nkeep = "latest"'
TEAM = '\n[[sources]]\nid = "team"\nformat = "registry"\npath = "team/*.xlsx"\nfile_type = "excel"\n'
HEADER = ["Student ID", "Check in on", "With whom", "Topic", "Status", "Responsible", "Action", "Action on"]
SEEN = ["attendance_last_seen_week", "connection_last_seen_week", "worthy_work_last_seen_week", "completion_last_seen_week", "learning_last_seen_week"]
CHECKED = ["last_check_in_on", "next_check_in_on", "responsible", "next_action", "next_action_on"]
LIST = "select * from marts.rpt_priority_students order by priority_student_key"


def monday(day: str) -> date:
    found = date.fromisoformat(day)
    return found - timedelta(days=found.weekday())


@dataclass
class Story:
    """The district, what its files last said, and the list as each night left it."""

    night: Night
    students: list[tuple[str, str]]  # at which school on the first day
    book: list[list[Any]] = field(default_factory=list)
    answered: dict[str, date] = field(default_factory=dict)
    lists: list[pd.DataFrame] = field(default_factory=list)
    books: list[list[list[Any]]] = field(default_factory=list)
    heard: list[dict[str, date]] = field(default_factory=list)

    def put_book(self, day: date, rows: list[list[Any]], header: list[str] = HEADER) -> None:
        path = self.night.landing / f"team/plan_{day}.xlsx"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(workbook({"Check-ins": [header, *rows]}))

    def put_answers(self, wave: str, day: date, who: dict[str, date]) -> None:
        path = self.night.landing / f"tell/{wave}_{day}.csv"
        path.parent.mkdir(exist_ok=True)
        school = dict(self.students)
        with path.open("w", newline="", encoding="utf-8") as f:
            csv.writer(f).writerows([["Timestamp", "School", "Student", QUESTION], *([f"{d:%m/%d/%Y} 9:00:00", school[s], s, "Agree"] for s, d in who.items())])

    def run(self, day: date, first: date | None = None) -> None:
        self.night.run(day, first)
        with duckdb.connect(str(self.night.build), read_only=True) as db:
            self.lists.append(db.execute(LIST).df())
        self.books.append(self.book)
        self.heard.append(dict(self.answered))


def check_ins(students: list[tuple[str, str]], night: int) -> list[list[Any]]:
    """What the sheet says: on the second night check-ins of the third day are held, some lines are taken out and some actions are new."""
    rows: list[list[Any]] = []
    for k, (student, _) in enumerate(students):
        if k % 4 == 0 and not (night and k % 8 == 0):
            rows.append([student, NIGHTS[0] - timedelta(days=6), "family", "attendance", "held", "R. Example", "Call again", NIGHTS[1]])
        if k % 4 == 1:
            status = "held" if night and k % 8 == 1 else "scheduled"
            rows.append([student, NIGHTS[1], "Family", "connection", status, "S. Sample", None, None])
        if k % 4 == 2:
            rows.append([student, NIGHTS[2], "student", None, "scheduled", "T. Test", "Meet before school", NIGHTS[2] + timedelta(days=night)])
            rows.append([student, START + timedelta(days=3), "family", "learning", "missed", None, None, None])
    return rows


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    night = make(tmp_path_factory.mktemp("priority") / "d", 80, 14, seed=11)
    with (night.folder / "district.toml").open("a", encoding="utf-8") as f:
        f.write(TEAM + WAVE.format(wave="named", opens=OPENED, more=LINKED) + WAVE.format(wave="nobody", opens=NIGHTS[0], more=""))
    with (night.folder / "codes/priority_rules.csv").open("w", newline="", encoding="utf-8") as f:
        csv.writer(f).writerows([("indicator_id", "profile_id", "will_do"), *RULES])
    with (night.folder / "codes/survey_items.csv").open(newline="", encoding="utf-8") as f:
        header = next(csv.reader(f))
    said = {"survey_id": "tell", "item_title": QUESTION, "item_id": "knows", "construct": "known_by_adult", "scale_id": "agree5", "is_reversed": "false"}
    with (night.folder / "codes/survey_items.csv").open("a", newline="", encoding="utf-8") as f:
        csv.writer(f).writerow([said.get(c, "") for c in header])
    roster = Oracle(night.folder, START.isoformat()).stints
    students = sorted({(s, k) for s, k, begin, _ in roster if begin <= START.isoformat()})
    return Story(night, students)


def expected(story: Story, n: int) -> dict[tuple[str, str], dict[str, Any]]:
    """The list of the n-th night by student and school: who is flagged as the student mart says, and what the files say of them."""
    as_of = NIGHTS[n]
    oracle = Oracle(story.night.folder, as_of.isoformat())
    enrolled = {(s, k) for s, k, begin, end in oracle.stints if begin <= as_of.isoformat() < end}
    asked = {s for s, _, begin, end in Oracle(story.night.folder, NIGHTS[0].isoformat()).stints if begin <= OPENED.isoformat() < end}
    attended, tested = ({s: max(us(d) for d in some) for s, some in days_in(story.night, folder, as_of).items()} for folder in ("attendance", "assessments"))
    due = oracle.work[oracle.work["date"] <= as_of.isoformat()].groupby("student")["date"].max().to_dict()
    flags = story.night.query(
        """select student_key, school_id, string_agg(flag_reason || ' ' || case profile_id when 'city' then ? else ? end, ' ' order by profile_id), count(*)
           from marts.fct_student_indicators where indicator_id = 'chronic_absence' and profile_id in ('city', 'edfacts') and flag
               and period_type = 'year_to_date' and school_id is not null group by all""".replace("then ?", f"then '{RULES[0][2]}'").replace(
            "else ?", f"else '{RULES[1][2]}'"
        )
    )
    found = {}
    for student, school, reason, n_rules in flags:
        if (student, school) not in enrolled:
            continue
        found[student, school] = {
            "flag_reason": reason, "n_rules": n_rules,
            "attendance_last_seen_week": monday(attended[student]) if student in attended else None,
            "connection_last_seen_week": monday(story.heard[n][student].isoformat()) if student in story.heard[n] else None,
            "worthy_work_last_seen_week": None, "learning_last_seen_week": monday(tested[student]) if student in tested else None,
            "completion_last_seen_week": monday(due[student]) if student in due else None,
            "heard_from": True if student in story.heard[n] else False if student in asked else None,
            **of_the_sheet([r for r in story.books[n] if r[0] == student], as_of),
        }  # fmt: skip
    return found


def days_in(night: TestDistrict, folder: str, as_of: date) -> dict[str, list[str]]:
    """The days that the files of a folder, up to a day, name of each student."""
    found: dict[str, list[str]] = {}
    for path in sorted((night.landing / folder).glob("*.csv")):
        if path.stem.split("_")[1] <= as_of.isoformat():
            with path.open(newline="", encoding="utf-8") as f:
                for row in csv.DictReader(f):
                    found.setdefault(row["Student Number"], []).append(row["Date"])
    return found


def of_the_sheet(rows: list[list[Any]], as_of: date) -> dict[str, Any]:
    family = [r for r in rows if r[2].lower() == "family"]
    to_come = sorted((r for r in rows if r[6] and r[7] >= as_of), key=lambda r: r[7])
    next_ones = sorted((r for r in rows if r[4] == "scheduled" and r[1] >= as_of and r[5]), key=lambda r: r[1])
    been = sorted((r for r in rows if r[5] and r[1] <= as_of), key=lambda r: r[1], reverse=True)
    still = sorted((r for r in rows if r[5] and r[1] > as_of), key=lambda r: r[1])
    return {
        "last_check_in_on": max((r[1] for r in family if r[4] == "held" and r[1] <= as_of), default=None),
        "next_check_in_on": min((r[1] for r in family if r[4] == "scheduled" and r[1] >= as_of), default=None),
        "responsible": next((r[5] for r in [*to_come, *next_ones, *been, *still]), None),
        "next_action": to_come[0][6] if to_come else None,
        "next_action_on": to_come[0][7] if to_come else None,
    }


def plain(value: Any) -> Any:
    return None if pd.isna(value) else value.date() if isinstance(value, pd.Timestamp) else value


def assert_list(story: Story, n: int) -> None:
    wanted = expected(story, n)
    rows = {(r["student_key"], r["school_id"]): r for r in story.lists[n].to_dict("records")}
    assert rows.keys() == wanted.keys()
    for who, values in wanted.items():
        assert {c: plain(rows[who][c]) for c in values} == values, who
        missing = rows[who]["missing"]
        assert ("Family check-in:" in missing) == (values["next_check_in_on"] is None)
        assert ("Responsible:" in missing) == (values["responsible"] is None)
        assert ("Next action:" in missing) == (values["next_action"] is None)
        assert ("Heard from:" in missing) == (values["heard_from"] is not True)
        assert ("Connection: nothing yet" in missing) == (values["connection_last_seen_week"] is None)
        assert "Worthy work:" in missing
        assert rows[who]["n_areas_monitored"] == sum(values[c] is not None for c in SEEN)


def test_the_first_night_lists_whom_the_rules_name(story: Story) -> None:
    story.book = check_ins(story.students, 0)
    story.put_book(NIGHTS[0], story.book)
    story.answered = {s: OPENED + timedelta(days=k % 7) for k, (s, _) in enumerate(story.students) if k % 2 == 0}
    story.put_answers("named", NIGHTS[0], story.answered)
    story.put_answers("nobody", NIGHTS[0], {s: NIGHTS[0] for s, _ in story.students})
    story.run(NIGHTS[0], START)
    assert_list(story, 0)
    listed = story.lists[0]
    assert len(listed) >= 5, "too few to tell anything"
    assert set(listed["n_rules"]) >= {2}
    assert {True, False} <= set(listed["heard_from"]), "all answered the anonymous wave, and some the other one"
    assert set(listed["heard_wave_id"]) == {"named"}


def test_what_the_second_night_brings_changes_the_list(story: Story) -> None:
    """The sheet says something else, answers come and are taken back, and of one who was on the list the absences were not."""
    cleared = str(story.lists[0]["student_key"].iloc[0])
    path = story.night.landing / f"attendance/corrections_{NIGHTS[1]}.csv"
    rows = [
        {**row, "Code": "P"}
        for file in sorted((story.night.landing / "attendance").glob("attendance_*.csv"))
        for row in csv.DictReader(file.open(newline="", encoding="utf-8"))
        if row["Student Number"] == cleared and file.stem.split("_")[1] <= NIGHTS[1].isoformat()
    ]
    older = list(csv.DictReader(path.open(newline="", encoding="utf-8"))) if path.exists() else []
    with path.open("w", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, rows[0].keys())
        writer.writeheader()
        writer.writerows([r for r in older if r["Student Number"] != cleared] + rows)
    story.book = check_ins(story.students, 1)
    story.put_book(NIGHTS[1], story.book)
    story.answered = {s: OPENED + timedelta(days=7) for k, (s, _) in enumerate(story.students) if k % 3 == 0}
    story.put_answers("named", NIGHTS[1], story.answered)
    story.run(NIGHTS[1])
    assert_list(story, 1)
    assert cleared not in set(story.lists[1]["student_key"])
    assert not story.lists[0][[*CHECKED, "heard_from"]].equals(story.lists[1][[*CHECKED, "heard_from"]])


def test_on_a_night_without_news_from_the_team_only_the_date_speaks(story: Story) -> None:
    story.run(NIGHTS[2])
    assert_list(story, 2)
    passed = [(s, d) for s, d in story.night.query("select student_key, next_action_on from marts.rpt_priority_students") if d is not None]
    assert all(d >= NIGHTS[2] for _, d in passed)


def test_it_is_restricted_and_a_slice_of_its_own(story: Story) -> None:
    views = "select distinct table_schema from information_schema.tables where table_name = 'rpt_priority_students'"
    assert story.night.published(views) == []
    with duckdb.connect(str(story.night.warehouse.with_name("restricted.duckdb")), read_only=True) as db:
        assert ("marts_restricted",) in db.execute(views).fetchall()
        ours = db.execute("select count(*) from marts_restricted.rpt_priority_students").fetchall()
    assert ours == [(len(story.lists[2]),)]
    said = "select mart, n_rows from {} where indicator_id = 'priority_students' and school_id = '' and mart = 'rpt_priority_students' order by publication_id"
    assert story.night.ledger(said.format("verdicts"))[-1] == ("rpt_priority_students", len(story.lists[2]))
    assert {n for _, n in story.night.published(said.format("operations.verdicts"))} == {None}, "how many are on a list is for those who may read it"


def test_the_nights_give_what_a_build_from_nothing_gives(story: Story) -> None:
    fresh = TestDistrict(story.night.folder.with_name("fresh"))
    shutil.copytree(story.night.folder, fresh.folder, ignore=shutil.ignore_patterns("data"))
    shutil.copytree(story.night.folder / "data/restricted", fresh.folder / "data/restricted")  # who was asked, which no file says again
    fresh.run(NIGHTS[2], START)
    with duckdb.connect(str(fresh.build), read_only=True) as db:
        pd.testing.assert_frame_equal(db.execute(LIST).df(), story.lists[2])
    assert fresh.hashes() == story.night.hashes()


def test_a_sheet_that_is_stopped_holds_the_list_and_no_figure(story: Story) -> None:
    story.put_book(BROKEN, story.book, [h if h != "Status" else "How" for h in HEADER])
    story.night.run(BROKEN)
    held = story.night.published(
        """select distinct indicator_id from operations.verdicts where verdict = 'held'
           and publication_id = (select max(publication_id) from operations.publications)"""
    )
    assert held == [("priority_students",)]
    with duckdb.connect(str(story.night.warehouse.with_name("restricted.duckdb")), read_only=True) as db:
        shown = db.execute("select min(quality_status), count(*) from marts_restricted.rpt_priority_students").fetchall()
    assert shown[0][0].startswith(f"held since {NIGHTS[2]}: stopped at the door")
    assert shown[0][1] == len(story.lists[2])
