"""What survey formats share: one long table of answers, and what of a file's columns may reach raw at all.

Belongs here: everything that does not depend on how a tool writes its export. A column reaches raw only where the settings declare it (time, school,
grade, respondent, a question of the item map); so no column that says who answered can slip in under a name that nobody thought of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.district import District, Source
from pipelines.settings import SettingsError
from pipelines.sources.shape import Handling, Item, Items, Projection, Table, file_columns, literal, quoted, select, suggestion, trimmed
from pipelines.survey_settings import Survey

_ABOUT = ("survey_id", "wave_id", "response_id", "respondent_id", "answered_on", "role", "school_id", "grade")
ANSWERS = Table(
    name="survey__answers",
    columns=(*_ABOUT, "item_title", "occurrence", "choice", "answer"),
    key=("survey_id", "wave_id", "response_id", "item_title", "occurrence", "choice"),
    required=("survey_id", "wave_id", "response_id", "answered_on", "item_title"),
    scope="rows",
    scope_column="wave_id",
)
SCORES = Table(
    name="survey__scores",
    columns=(*_ABOUT, "score_name", "score"),
    key=("survey_id", "wave_id", "response_id", "score_name"),
    required=("survey_id", "wave_id", "response_id", "answered_on", "score_name"),
    scope="rows",
    scope_column="wave_id",
)
# What says who answered, under the names that form tools give it (letters and digits only). Dropped before raw, whatever the settings say of it,
# unless it is the declared respondent of a wave that is not anonymous.
IDENTITY = frozenset(
    (
        "email", "emailaddress", "emailadresse", "electronicmailaddress", "studentemail", "username", "user", "name", "fullname", "studentname", "yourname",
        "firstname", "lastname", "lastsurname", "givenname", "familyname", "middlename", "studentfirstname", "studentlastname", "id", "studentid",
        "studentnumber", "studentuniqueid", "studentsisid", "sisid", "stateid", "localid", "lunchnumber", "staffid", "employeeid", "parentname",
        "guardianname", "parentemail", "guardianemail", "phone", "phonenumber", "ip", "ipaddress", "recipientlastname", "recipientfirstname",
        "recipientemail", "externalreference", "externaldatareference", "locationlatitude", "locationlongitude", "locationaccuracy", "latitude", "longitude",
        "panoramaid", "respondentid", "userid",
    )
)  # fmt: skip
_KINDS = ("single", "multi", "text")
UNDECLARED, IDENTIFYING, UNNAMED = "undeclared", "redacted", "unnamed"


@dataclass(frozen=True)
class Column:
    """A column as a format understands it. `name` is what the settings and the item map may call it, `item` the question that it is."""

    name: str
    item: Item | None = None
    is_text: bool = False  # free text by the tool's own account
    is_kept: bool = False  # of use and harmless by the tool's own account
    is_identity: bool = False


def items_by_survey(district: District) -> Items:
    """The item map with its scales. Raises SettingsError naming the line."""
    scales: dict[str, list[tuple[str, str]]] = {}
    for row in district.code_map("survey_scales"):
        scales.setdefault(row["scale_id"], []).append((row["answer"], row["recode"] or row["value"]))
    found: dict[str, list[Item]] = {}
    for number, row in enumerate(district.code_map("survey_items"), start=2):
        place = f"{district.folder / district.paths.codes / 'survey_items.csv'}, row {number}"
        if row["kind"] not in _KINDS:
            raise SettingsError(f"{place}: kind is {row['kind']!r}; it is one of {', '.join(_KINDS)}")
        if not row["occurrence"].isdecimal() or int(row["occurrence"]) < 1:
            raise SettingsError(f"{place}: occurrence is {row['occurrence']!r}; it counts the columns of one title from 1")
        answers = tuple(scales.get(row["scale_id"], ()))
        item = Item(title(row["item_title"]), int(row["occurrence"]), row["import_id"], row["kind"], answers)
        found.setdefault(row["survey_id"], []).append(item)
    return {survey_id: tuple(items) for survey_id, items in found.items()}


def survey_of(source: Source) -> Survey:
    if source.survey is None:
        raise ValueError(f"source {source.id} has no survey block")
    return source.survey


def title(text: str) -> str:
    """A question's title on one line: forms put line breaks and double blanks in them."""
    return " ".join(text.split())


def says_who(name: str) -> bool:
    """Whether a column of that name says who answered."""
    return "".join(c for c in name.lower() if c.isalnum()) in IDENTITY


def handle(source: Source, header: Sequence[str], columns: Sequence[Column], n_context: int = 0) -> Handling:
    """What of a survey file's columns goes to raw. `columns` are those of `header`, in its order."""
    survey = survey_of(source)
    dropped: dict[int, str] = {}
    pseudonym, text, repeats = set(), set(), set()
    declared = {title(c) for c in (survey.timestamp_column, survey.school_column, survey.grade_column, *survey.scores) if c}
    respondent = title(survey.respondent_column or "")
    wanted = {c.name for c in columns if c.item or c.is_kept or c.name in {*declared, respondent}}
    for position, column in enumerate(columns):
        if column.item or column.name.rpartition("#")[0] not in wanted:  # else nobody has said which of the two is meant
            repeats.add(position)
        if not header[position].strip():
            dropped[position] = UNNAMED
        elif survey.respondent != "anonymous" and column.name == respondent:
            if survey.respondent == "pseudonymous":
                pseudonym.add(position)
        elif column.is_identity or says_who(column.name) or says_who(header[position]):
            dropped[position] = IDENTIFYING
        elif column.item and column.item.kind == "text":
            text.add(position)
        elif column.item or column.is_kept or column.name in declared:
            continue
        elif column.is_text:
            text.add(position)
        else:
            dropped[position] = UNDECLARED
    return Handling(dropped, frozenset(pseudonym), frozenset(text), frozenset(repeats), n_context)


def numbered(header: Sequence[str]) -> list[str]:
    """The columns' titles, repeated ones numbered as intake names them in raw: `Comment`, `Comment#2`."""
    times: dict[str, int] = {}
    names = []
    for cell in header:
        n = times[cell.lower()] = times.get(cell.lower(), 0) + 1
        names.append(title(cell) if n == 1 else f"{title(cell)}#{n}")
    return names


@dataclass(frozen=True)
class Export:
    """One survey file as its format understands it: raw columns by what they are.

    `answered_on`, `school`, `grade`, `respondent` are raw columns (None: the file has none); `questions` the items with theirs; `response_id` an
    expression over `raw`, where the tool has an id of its own; `not_answers` as in `Projection.left_out`.
    """

    answered_on: str | None = None
    school: str | None = None
    grade: str | None = None
    respondent: str | None = None
    response_id: str | None = None
    questions: tuple[tuple[Item, str], ...] = ()
    scores: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    context: str = "false"
    not_answers: tuple[tuple[str, str], ...] = ()


def by_title(source: Source, raw_columns: Sequence[str], items: Sequence[Item], timestamp: str | None) -> Export:
    """A file with one header row, its questions known by title (and which column of that title), or by the map `items` of the survey block."""
    survey = survey_of(source)
    present = file_columns(raw_columns)
    about = {survey.school_column: "school_id", survey.grade_column: "grade", survey.respondent_column: "respondent_id"}
    needed = {c: n for c, n in ({timestamp: "answered_on"} | about).items() if c}
    missing = [c for c in needed if c not in present]
    place = f"set it in the survey block of source {source.id}"
    notes = [f"the file has no column {c!r}{suggestion(c, present)} It is needed as {needed[c]}: {place}" for c in missing]
    secret = {r.lower() for r in source.redact}
    others = [c for c in present if c not in needed]
    asked = []
    for c in others:
        item = item_of(survey, title(c), items)
        if item and item.kind != "text" and title(c).lower() not in secret and not says_who(title(c)):
            asked.append((item, c))
    scores = [(ours, theirs) for theirs, ours in survey.scores.items() if theirs in present]
    used = {c for _, c in (*asked, *scores)}

    def there(column: str | None) -> str | None:
        return column if column in present else None

    return Export(
        answered_on=there(timestamp),
        school=there(survey.school_column),
        grade=there(survey.grade_column),
        respondent=there(survey.respondent_column) if survey.respondent != "anonymous" else None,
        questions=tuple(asked),
        scores=tuple(scores),
        unknown=tuple(c for c in others if c not in used),
        missing=tuple(missing),
        notes=tuple(notes),
    )


def item_of(survey: Survey, name: str, items: Sequence[Item]) -> Item | None:
    """The question that a column of this title is."""
    called = {title(theirs): title(ours) for theirs, ours in survey.items.items()}
    return next((i for i in items if i.column == called.get(name, name)), None)


def project(table: Table, source: Source, export: Export) -> Projection:
    """The candidates of a survey file: one for each response and question (and choice, where several may be ticked), or topic score.

    An unanswered question is a candidate with a blank answer, so that a later version of a response takes back what it no longer says.
    """
    survey = survey_of(source)
    missing, notes = list(export.missing), list(export.notes)
    if table == ANSWERS and not export.questions:
        missing.append("item_title")
        notes.append(f"no column is a question of survey {survey.survey_id!r}; list them in codes/survey_items.csv (by item_title, or by import_id)")
    if table == SCORES and len(export.scores) < len(survey.scores):
        gone = [theirs for theirs, ours in survey.scores.items() if ours not in {o for o, _ in export.scores}]
        missing += gone
        notes += [f"the file has no column {c!r}: correct scores in the survey block of source {source.id}" for c in gone]
    respondent = f"nullif({trimmed(quoted(export.respondent))}, '')" if export.respondent else "cast(null as varchar)"
    line = f"{literal(survey.wave_id + ':')} || _line"
    response = export.response_id or line
    context, left_out = export.context, list(export.not_answers)
    if survey.keep == "latest" and export.respondent:
        response = (
            f"case when _defect is null and {respondent} is not null then left(sha256({literal(survey.wave_id + ':')} || {respondent}), 32) else {line} end"
        )
        kept = " and ".join(f"not ({c})" for c in (context, *(c for _, c in left_out)))
        when = f"{_day(source, export)} as day, {_time(export)} as second"
        timed = f"select _delivery_id, _line, {respondent} as who, {when} from raw where {kept} and _defect is null"
        order = "day desc nulls last, second desc nulls last, _line desc"
        ranked = f"select *, row_number() over (partition by _delivery_id, who order by {order}) as n from ({timed}) where who is not null"
        earlier = f"_defect is null and (_delivery_id, _line) in (select (_delivery_id, _line) from ({ranked}) where n > 1)"
        left_out.append(("earlier answers of a respondent who answered again", earlier))
    rows = " and ".join(f"not ({c})" for c in (context, *(c for _, c in left_out)))
    cells = {
        "survey_id": literal(survey.survey_id), "wave_id": literal(survey.wave_id), "role": literal(survey.role), "response_id": response,
        "respondent_id": respondent, "answered_on": "_answered_on",
        **{name: quoted(c) for name, c in (("school_id", export.school), ("grade", export.grade)) if c},
    }  # fmt: skip
    relation, more = (_answers if table == ANSWERS else _scores)(export, f"select *, {_day(source, export)} as _answered_on from raw where {rows}")
    return Projection(select(table, cells | more, f"({relation})"), tuple(missing), export.unknown, tuple(notes), context, tuple(left_out))


def _scores(export: Export, rows: str) -> tuple[str, dict[str, str]]:
    pairs = ", ".join(f"{{'name': {literal(ours)}, 'score': {quoted(theirs)}}}" for ours, theirs in export.scores) or "{'name': '', 'score': ''}"
    return f"select *, unnest([{pairs}]) as _score from ({rows})", {"score_name": "_score.name", "score": "_score.score"}


def _answers(export: Export, rows: str) -> tuple[str, dict[str, str]]:
    """Each question's cell as a list of what was said; whether the column holds recodes or words is settled over all rows of the delivery."""
    said = [f"{_said(item, trimmed(quoted(c)))} as _said_{n}" for n, (item, c) in enumerate(export.questions)]
    recoded = [
        f"sum({_how_many(n, [r for _, r in item.answers])}) over (partition by _delivery_id)"
        f" > sum({_how_many(n, [a for a, _ in item.answers])}) over (partition by _delivery_id) as _recoded_{n}"
        for n, (item, _) in enumerate(export.questions)
    ]
    lists = [_entries(item, n) for n, (item, _) in enumerate(export.questions)]
    # no question at all: the delivery is stopped for it, and the query only has to have its shape
    entry = f"unnest(list_concat({', '.join(lists)}))" if lists else "{'title': '', 'occurrence': '', 'choice': '', 'answer': ''}"
    relation = f"select *, {', '.join(said) or '1 as _said'} from ({rows}){'' if lists else ' where false'}"
    relation = f"select *, {', '.join(recoded) or '1 as _recoded'} from ({relation})"
    return f"select *, {entry} as _item from ({relation})", {
        "item_title": "_item.title", "occurrence": "_item.occurrence", "choice": "_item.choice", "answer": "_item.answer",
    }  # fmt: skip


def _said(item: Item, cell: str) -> str:
    """A list of what a cell says. Several choices are parted by a comma or semicolon, which inside a known choice is no parting."""
    if item.kind != "multi":
        return f"[nullif({cell}, '')]"
    guarded = cell
    for answer in sorted((a for a, _ in item.answers if "," in a or ";" in a), key=len, reverse=True):
        guarded = f"replace({guarded}, {literal(answer)}, {_hidden(literal(answer))})"
    parts = f"list_transform(string_split_regex({guarded}, '[,;]'), lambda x: trim(replace(replace(x, chr(30), ','), chr(31), ';')))"
    return f"list_filter({parts}, lambda x: x <> '')"


def _hidden(text: str) -> str:
    return f"replace(replace({text}, ',', chr(30)), ';', chr(31))"


def _how_many(n: int, among: Sequence[str]) -> str:
    """How many of what a row says under question `n` are among these texts."""
    known = ", ".join(literal(a) for a in among if a)
    return f"len(list_filter(_said_{n}, lambda x: x in ({known})))" if known else "0"


def _entries(item: Item, n: int) -> str:
    """The candidates of one question in one response: one, or one for each choice of the scale and whatever else was ticked."""
    words: dict[str, str] = {}
    for answer, recode in item.answers:
        if recode:
            words.setdefault(recode, answer)
    whens = " ".join(f"when {literal(recode)} then {literal(answer)}" for recode, answer in words.items())
    said = f"list_transform(_said_{n}, lambda x: case when not coalesce(_recoded_{n}, false) then x {f'else case x {whens} else x end' if whens else ''} end)"
    place = f"'title': {literal(item.title)}, 'occurrence': {literal(str(item.occurrence))}"
    if item.kind != "multi":
        return f"[{{{place}, 'choice': '', 'answer': {said}[1]}}]"
    known = ", ".join(literal(a) for a, _ in item.answers) or "''"
    choices = f"list_distinct(list_concat([{known}], coalesce({said}, cast([] as varchar[]))))"
    answer = f"case when list_contains({said}, c) then c end"
    return f"list_transform({choices}, lambda c: {{{place}, 'choice': c, 'answer': {answer}}})"


def _day(source: Source, export: Export) -> str:
    """The day of answering as YYYY-MM-DD, or the text as it stood for the gate to judge.

    By `date_formats.answered_on` where that is set, else year first, else month and day in the order that fits more of the column's cells (inside
    the wave's dates, where they are given); where both orders fit as well and mean different days, nothing is guessed.
    """
    survey = survey_of(source)
    if export.answered_on is None:
        return literal(survey.closes.isoformat()) if survey.closes else "cast(null as varchar)"
    text, date_format = trimmed(quoted(export.answered_on)), source.date_formats.get("answered_on")
    parsed = [f"try_strptime({text}, {literal(date_format)})"] if date_format else []
    parsed.append(f"try_strptime(replace(regexp_extract({text}, '^(\\d{{4}}[-/]\\d{{1,2}}[-/]\\d{{1,2}})([ T]|$)', 1), '/', '-'), '%Y-%m-%d')")
    if not date_format:
        day = f"regexp_extract({text}, '^(\\d{{1,2}}[./-]\\d{{1,2}}[./-]\\d{{2}}(\\d{{2}})?)([ T,]|$)', 1)"
        day = f"regexp_replace(regexp_replace({day}, '[.-]', '/', 'g'), '/(\\d\\d)$', '/20\\1')"
        month_first, day_first = (f"try_strptime({day}, {literal(f)})" for f in ("%m/%d/%Y", "%d/%m/%Y"))
        opens, closes = survey.opens or "0001-01-01", survey.closes or "9999-12-31"
        fits = [
            f"count(*) filter (where cast({d} as date) between '{opens}' and '{closes}') over (partition by _delivery_id)" for d in (month_first, day_first)
        ]
        parsed.append(f"case when {fits[0]} > {fits[1]} or {month_first} = {day_first} then {month_first} when {fits[1]} > {fits[0]} then {day_first} end")
    days = [f"strftime({p}, '%Y-%m-%d')" for p in parsed]
    return f"coalesce({', '.join(days)}, {text})"


def _time(export: Export) -> str:
    """Seconds after midnight of a time stamp, for putting a respondent's answers in order; null where it says no time."""
    if export.answered_on is None:
        return "cast(null as integer)"
    clock = f"{trimmed(quoted(export.answered_on))}, '(\\d{{1,2}}):(\\d{{2}})(?::(\\d{{2}}))?\\s*([AaPp][Mm])?'"
    hour, minute, second = (f"try_cast(regexp_extract({clock}, {n}) as integer)" for n in (1, 2, 3))
    half = f"lower(regexp_extract({clock}, 4))"
    return f"(case {half} when 'am' then {hour} % 12 when 'pm' then {hour} % 12 + 12 else {hour} end) * 3600 + {minute} * 60 + coalesce({second}, 0)"
