"""Which flags put a student on the list of priority students, and what the school then does: what a row of `codes/priority_rules.csv` may say.

Belongs here: checking a rule against the registry. A district without the file has the rules of `SHIPPED`; one whose file has no row has no list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipelines.seeds import did_you_mean, seed

SHIPPED = Path(__file__).with_name("priority_rules.csv")


def sensitive_words(sentence: str) -> list[str]:
    """The words and phrases of `sentence` that name a student group or what is nobody else's business, as the seeds list them, of one or of several."""
    said = [w.strip() for row in (*seed("group_families"), *seed("sensitive_matters")) for w in row["said_as"].split(",") if w.strip()]
    return [w for w in said if re.search(rf"\b{re.escape(w)}(s|es)?\b", sentence, re.IGNORECASE)]


def _is_of_students(indicator: Mapping[str, str]) -> bool:
    """Flags together have no measure, and are of students as their parts are."""
    return indicator["stage"] == "2" or any(m["measure_id"] == indicator["denominator_measure"] and m["subject_type"] == "student" for m in seed("measures"))


def complaint(rule: Mapping[str, str], before: Sequence[Mapping[str, str]] = ()) -> str:
    """What is wrong with a rule, after those `before` it, and what to write instead; "" where nothing is."""
    flags = {i["indicator_id"]: i for i in seed("indicators") if i["value_kind"] == "share_of_people" and _is_of_students(i) and i["flag_words"]}
    named, by = rule["indicator_id"], rule["profile_id"]
    if named in {f["group_family"] for f in seed("group_families")}:
        return f"indicator_id is {named!r}, a student group: who a student is puts nobody on the list; name a flag, one of {', '.join(flags)}"
    if named not in {i["indicator_id"] for i in seed("indicators")}:
        return f"indicator_id is {named!r}, which is no indicator; {did_you_mean(named, list(flags))}"
    if named not in flags:
        return f"indicator_id is {named!r}, which flags no student; write one of {', '.join(flags)}"
    profiles = {p["profile_id"]: p for p in seed("indicator_profiles") if p["indicator_id"] == named}
    if by not in profiles:
        return f"profile_id is {by!r}, and {named!r} is not judged by such a profile; {did_you_mean(by, list(profiles))}"
    if flags[named]["direction"] == "higher_is_better" and not flags[named]["no_flag_words"]:
        return f"indicator_id is {named!r}, which does not say in words why a student is not flagged; write one of {', '.join(flags)}"
    if (named, by) in {(r["indicator_id"], r["profile_id"]) for r in before}:
        return f"{named!r} by profile {by!r} is a rule already; leave one of the two out, and say in it all that the school will do"
    if not rule["will_do"].strip().endswith("."):
        return f"will_do is {rule['will_do']!r}; write a sentence that says what the school will do, such as 'The school will call home and offer a talk.'"
    if said := sensitive_words(rule["will_do"]):
        return f"will_do says {', '.join(map(repr, said))}: it is read aloud to the student and the family; leave out groups and what is sensitive"
    return ""
