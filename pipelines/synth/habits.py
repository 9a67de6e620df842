"""What each student tends to do, for the year: being there, handing work in, doing well, answering surveys; and the programs they are in.

A student keeps these habits; schools and groups differ; attendance, completion and scores go together. Odds, not shares, so that weekday, season
and strategy multiply.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from pipelines.synth.calendar import SchoolYear
from pipelines.synth.people import People
from pipelines.synth.streams import Streams
from pipelines.synth.text import NEVER

PROGRAMS = ("EL", "IEP", "FRL", "HML", "FST")  # the district's own codes, in this order below
EL, IEP, FRL, HML, FST = range(5)
STRATEGY_SCHOOL_DAY = 15  # of calendar A, counted from 1
STRATEGY_ODDS = 0.55  # what the strategy multiplies the odds of a missing assignment by

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Programs:
    """Stays in programs, by student. `end` is the last day (inclusive), NEVER where open; `known` the day from which files tell of it."""

    student: NDArray[np.int32]
    program: NDArray[np.int8]
    begin: NDArray[np.int16]
    end: NDArray[np.int16]
    known: NDArray[np.int16]


@dataclass(frozen=True)
class Habits:
    absence_odds: Floats  # of being absent on an ordinary day, illness apart
    excused: Floats  # share of ordinary absences that are excused
    tardy: Floats  # share of days present
    missing_odds: Floats  # of not handing an assignment in
    late: Floats  # share of what is handed in
    score: Floats  # usual share of the points
    respond: Floats  # share of surveys answered
    belonging: Floats  # latent, mean 0
    known_by_adult: Floats
    strategy_schools: NDArray[np.bool_]
    strategy_start: date
    programs: Programs


def build_habits(people: People, year: SchoolYear, streams: Streams) -> Habits:
    """Draw every student's habits and programs."""
    students, n, n_schools = people.students, len(people.students), len(people.schools)
    rng = streams.of("habits")
    school = students.school
    shared = rng.normal(0, 0.22, n_schools)
    programs, member = _programs(people, year, streams)
    burden = 0.35 * member[FRL] + 0.25 * member[IEP] + 0.75 * member[HML] + 0.35 * member[FST] - 0.05 * member[EL]
    trait = rng.normal(0, 1, n) + 0.4 * np.minimum(0, rng.normal(0, 1, n))
    absence = -3.35 + 0.8 * trait + shared[school] + burden + 0.25 * (students.grade >= 9) + 0.3 * students.remote
    work = 0.55 * trait + 0.83 * rng.normal(0, 1, n)
    missing = -2.75 + 0.75 * work + rng.normal(0, 0.2, n_schools)[school] + 0.6 * burden + 0.2 * member[EL] + 0.2 * (students.grade >= 9)
    ability = -0.3 * trait - 0.25 * work + 0.85 * rng.normal(0, 1, n)
    score = 0.86 + 0.085 * ability - 0.02 * burden - 0.02 * member[EL] + rng.normal(0, 0.012, n_schools)[school]
    reach = rng.normal(0.9, 0.45, n_schools)[school] - 0.45 * trait - 0.5 * member[EL] - 0.4 * member[IEP] - 0.8 * students.remote
    belonging = rng.normal(0, 0.9, n) - 0.3 * trait + rng.normal(0, 0.35, n_schools)[school] - 0.25 * member[EL]
    chosen = np.zeros(n_schools, dtype=bool)
    chosen[rng.permutation(n_schools)[: max(1, round(n_schools / 3))]] = True
    days_a = year.sessions["A"]
    return Habits(
        absence_odds=np.exp(absence).astype(np.float32),
        excused=rng.beta(4, 5, n).astype(np.float32),
        tardy=np.minimum(0.3, rng.beta(1.2, 40, n) * np.exp(0.3 * trait)).astype(np.float32),
        missing_odds=np.exp(missing).astype(np.float32),
        late=np.clip(rng.beta(1.5, 15, n) * np.exp(0.35 * work), 0, 0.6).astype(np.float32),
        score=np.clip(score, 0.35, 0.99).astype(np.float32),
        respond=(1 / (1 + np.exp(-reach))).astype(np.float32),
        belonging=belonging.astype(np.float32),
        known_by_adult=(0.6 * belonging + rng.normal(0, 0.7, n)).astype(np.float32),
        strategy_schools=chosen,
        strategy_start=days_a[min(STRATEGY_SCHOOL_DAY, len(days_a)) - 1],
        programs=programs,
    )


def _programs(people: People, year: SchoolYear, streams: Streams) -> tuple[Programs, NDArray[np.bool_]]:
    """Program stays, and by program who is ever in it. Some begin or end during the year."""
    rng = streams.of("programs")
    students, n, n_schools = people.students, len(people.students), len(people.schools)
    poor = rng.uniform(0.2, 0.8, n_schools)[students.school]
    hispanic = students.hispanic
    chance = [0.05 + 0.22 * hispanic, np.full(n, 0.14), poor, 0.008 + 0.04 * poor, np.full(n, 0.01)]
    member = np.stack([rng.random(n) < c for c in chance])
    member[FRL] |= member[HML] | member[FST]
    changes = np.array([(d - year.start).days for d in year.quiet_days[1:]], dtype=np.int16)
    parts = []
    for program in range(len(PROGRAMS)):
        who = np.flatnonzero(member[program])
        begin = np.full(len(who), -48, dtype=np.int16) if program == FRL else rng.integers(-400, -20, len(who)).astype(np.int16)
        end = np.full(len(who), NEVER, dtype=np.int16)
        starts = rng.random(len(who)) < {EL: 0.02, IEP: 0.06, FRL: 0.05, HML: 0.5, FST: 0.35}[program]
        begin[starts] = rng.choice(changes, int(starts.sum()))
        stops = ~starts & (rng.random(len(who)) < {EL: 0.05, IEP: 0.02, FRL: 0.02, HML: 0.2, FST: 0.2}[program])
        end[stops] = rng.choice(changes, int(stops.sum()))
        known = np.maximum(np.maximum(begin, 0), students.arrives[who])
        parts.append((who, np.full(len(who), program), begin, end, known))
    student, code, begin, end, known = (np.concatenate([p[k] for p in parts]) for k in range(5))
    by = np.lexsort((code, student))
    table = Programs(student[by].astype(np.int32), code[by].astype(np.int8), begin[by].astype(np.int16), end[by].astype(np.int16), known[by].astype(np.int16))
    return table, member
