"""What a row says, as a number: rows that say other things have other numbers, so that no correction passes for none."""

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.quality.judge import content_of

CELLS = st.one_of(st.none(), st.text(alphabet="a1:-|", max_size=4))


def numbers(rows: list[tuple[str | None, ...]]) -> list[int]:
    names = [f"c{i}" for i in range(len(rows[0]))]
    with duckdb.connect() as db:
        db.execute(f"create table r ({', '.join(f'{n} varchar' for n in names)})")
        db.executemany(f"insert into r values ({', '.join('?' for _ in names)})", rows)
        return [n for (n,) in db.execute(f"select {content_of(names, 'r')} from r").fetchall()]


def test_a_cell_that_differs_in_two_places_is_another_cell() -> None:
    """The 8th and the 16th place, of which DuckDB's own hash() makes one number for several of these texts."""
    told = [(f"called {a}, away {b} days",) for a in range(10) for b in range(10)]
    assert told[0][0][7] == told[0][0][15] == "0"
    assert len(set(numbers([*told]))) == len(told)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=2, max_size=30, unique=True))
def test_cells_do_not_run_into_one_another(rows: list[tuple[str | None, str | None, str | None]]) -> None:
    assert len(set(numbers(rows))) == len(rows)  # type: ignore[arg-type]
