"""A model's own text, rendered with the macros that it uses written out here for DuckDB: for unit tests of one model on made-up tables, without dbt."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import jinja2

MODELS = Path(__file__).resolve().parents[1] / "dbt_project/models"
MOMENTS = ("n_subjects", "sum_n", "sum_d", "sum_nn", "sum_dd", "sum_nd")


def _sum(expression: str) -> str:
    return f"cast(sum({expression}) as bigint)"


def _concat_key(parts: list[str]) -> str:
    return f"concat_ws('|', {', '.join(f'coalesce(cast({p} as varchar), chr(0))' for p in parts)})"


def _moments_of(n: str, d: str) -> str:
    products = ("1", n, d, f"{n} * {n}", f"{d} * {d}", f"{n} * {d}")
    return ", ".join(f"{_sum(f'sign * {product}')} as {moment}" for moment, product in zip(MOMENTS, products, strict=True))


def render(model: str, *, this: str, by_difference: bool) -> str:
    """The SQL of `model` (a path below the models' folder). `by_difference`: as on a night, where `<table>__written` and `<table>__replaced` stand beside
    the tables that are read; else as in a build of everything.
    """

    def difference(relation: str, columns: list[str], whole: bool = False, where: str = "true") -> str:
        named = ", ".join(columns)
        if whole or not by_difference:
            return f"(select {named}, 1 as sign from {relation} where {where})"
        written, replaced = (f"select {named}, {sign} as sign from {relation}__{kept} where {where}" for kept, sign in (("written", 1), ("replaced", -1)))
        return f"({written} union all {replaced})"

    text = jinja2.Environment(extensions=["jinja2.ext.do"]).from_string((MODELS / model).read_text(encoding="utf-8"))
    return text.render(
        this=this, ref=lambda name: name, config=lambda **_: "", execute=True, sum_bigint=_sum, concat_key=_concat_key, touched_difference=difference,
        touched_written=lambda relation: f"{relation}__written" if by_difference else relation,
        is_touched_build=lambda: by_difference,
        dbt=SimpleNamespace(type_string=lambda: "varchar"),
        rollups_of_each_person=lambda: "('flag_of_total', 'distinct', 'total_per_person', 'ratio_per_person')",
        thousandths=lambda part, whole: f"cast(floor((2000 * {part} + {whole}) / nullif(2 * {whole}, 0)) as bigint)",
        is_of_grades=lambda grades, grade: f"({grades} is null or list_contains(string_split({grades}, ' '), {grade}))",
        row_hash=lambda columns: f"hash({', '.join(columns)})",
        moments=lambda: list(MOMENTS), moments_of=_moments_of,
        moment_sums=lambda relation: ", ".join(f"{_sum(f'{relation}.{m}')} as {m}" for m in MOMENTS),
        moments_left=lambda relation: "(" + " or ".join(f"{relation}.{m} <> 0" for m in MOMENTS) + ")",
    )  # fmt: skip
