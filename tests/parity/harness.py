"""Exports what dbt reads from a DuckDB build, builds the same on Spark, and compares every table of the layers that people read.

Counts must be equal, and so must text, integers, dates, booleans and decimals; doubles may differ by 1e-9 (relative above 1).
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

ROOT = Path(__file__).parents[2]
SOURCES = ("held", "changes", "settings")  # the schemas that staging reads
COMPARED = ("core", "measurements", "marts")
ARGUMENTS = ("build", "--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")  # tests are DuckDB's affair
TOLERANCE = 1e-9
JAVA = 17  # what Spark 4 needs at least
_KINDS = {
    "TINYINT": "integer", "SMALLINT": "integer", "INTEGER": "integer", "BIGINT": "integer", "HUGEINT": "integer",
    "FLOAT": "double", "DOUBLE": "double", "VARCHAR": "text", "BOOLEAN": "boolean", "DATE": "date",
    "TIMESTAMP": "timestamp", "TIMESTAMP WITH TIME ZONE": "timestamp",
}  # fmt: skip


@dataclass(frozen=True)
class Compared:
    """One relation of one night: rows on either engine, rows without an equal on the other, and what else differs, in words."""

    night: int
    relation: str
    n_duckdb: int
    n_spark: int
    n_different: int
    why: str = ""

    @property
    def same(self) -> bool:
        return self.n_duckdb == self.n_spark and self.n_different == 0 and not self.why


def spark_python() -> Path | None:
    """The interpreter that has dbt-spark, or None: `.venv-spark`, or what THROUGHLINE_SPARK_PYTHON names."""
    python = Path(os.environ.get("THROUGHLINE_SPARK_PYTHON", ROOT / ".venv-spark/bin/python"))
    return python if python.exists() else None


def missing() -> str:
    """Why Spark cannot be run here, in words; empty where it can."""
    java = shutil.which("java") or (os.environ.get("JAVA_HOME") and shutil.which("java", path=f"{os.environ['JAVA_HOME']}/bin"))
    if not java:
        return f"no Java on this machine, so Spark cannot run (Java {JAVA} or newer is needed)"
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    version = re.search(r'"(\d+)', said.stderr + said.stdout)
    if not version or int(version[1]) < JAVA:
        return f"{java} is older than Java {JAVA}, which Spark needs"
    if not spark_python():
        return "no Spark environment; `make spark` builds it in .venv-spark"
    return ""


def export_sources(build: Path, folder: Path, schemas: Sequence[str] = SOURCES) -> dict[str, str]:
    """Write every table of the source schemas as Parquet; returns schema.table -> folder that holds its file."""
    files: dict[str, str] = {}
    with duckdb.connect(str(build), read_only=True) as db:
        tables = db.execute(
            "select table_schema, table_name from information_schema.tables where list_contains(?, table_schema) order by all", [list(schemas)]
        ).fetchall()
        for schema, table in tables:
            place = folder / schema / table
            place.mkdir(parents=True, exist_ok=True)
            db.execute(f"""copy (from "{schema}"."{table}") to '{place}/part.parquet' (format parquet)""")
            files[f"{schema}.{table}"] = str(place)
    return files


def build_on_spark(work: Path, project: Path, profiles: Path, steps: Sequence[dict[str, object]]) -> None:
    """Run all steps in one Spark session. Raises RuntimeError with the end of its output where dbt or Spark fails."""
    python = spark_python()
    if python is None:
        raise RuntimeError(missing())
    work.mkdir(parents=True, exist_ok=True)
    plan = work / "plan.json"
    plan.write_text(json.dumps({"work": str(work), "project": str(project), "profiles": str(profiles), "steps": list(steps)}), encoding="utf-8")
    ours = {
        "PYSPARK_PYTHON": str(python),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "THROUGHLINE_SHUFFLE_PARTITIONS": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    environment = {**os.environ, **ours}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [str(python), str(Path(__file__).with_name("spark_steps.py")), str(plan)],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the build on Spark failed:\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}")


def _kind(type_name: str) -> str:
    return "decimal" if type_name.startswith("DECIMAL") else _KINDS.get(type_name, type_name)


def _canonical(column: str, kind: str) -> str:
    text = {"decimal": f'cast("{column}" as decimal(38, 12))', "timestamp": f'cast("{column}" as timestamp)'}.get(kind, f'"{column}"')
    return f"coalesce('=' || cast({text} as varchar), '-')"


def compare_table(db: duckdb.DuckDBPyConnection, left: str, right: str) -> tuple[int, int, int, str]:
    """Rows of either relation, rows without an equal, and what differs in columns.

    Rows are paired by everything that is not double, and among equals by rank of the doubles; then the doubles must agree.
    """
    shapes = [{name: _kind(kind) for name, kind, *_ in db.execute(f"describe from {side}").fetchall()} for side in (left, right)]
    counts = [db.execute(f"select count(*) from {side}").fetchall()[0][0] for side in (left, right)]
    if shapes[0] != shapes[1]:
        names = sorted(n for n in {*shapes[0], *shapes[1]} if shapes[0].get(n) != shapes[1].get(n))
        why = "; ".join(f"{n}: {shapes[0].get(n, 'absent')} and {shapes[1].get(n, 'absent')}" for n in names)
        return counts[0], counts[1], 0, why
    exact = ", ".join(_canonical(c, kind) for c, kind in shapes[0].items() if kind != "double") or "''"
    doubles = [c for c, kind in shapes[0].items() if kind == "double"]
    order = ", ".join(f'"{c}" nulls first' for c in doubles) or "1"
    sides = [
        f"""select *, row_number() over (partition by pairing order by {order}) as place
            from (select md5(concat_ws('|', {exact})) as pairing {"".join(f', "{c}"' for c in doubles)} from {side})"""
        for side in (left, right)
    ]
    near = "coalesce(abs(l.{c} - r.{c}) <= {tolerance} * greatest(1, abs(l.{c})), l.{c} is not distinct from r.{c})"
    unequal = " or ".join("not " + near.format(c=f'"{c}"', tolerance=TOLERANCE) for c in doubles) or "false"
    sql = f"""select count(*) from ({sides[0]}) l full join ({sides[1]}) r on l.pairing = r.pairing and l.place = r.place
              where l.pairing is null or r.pairing is null or {unequal}"""
    return counts[0], counts[1], db.execute(sql).fetchall()[0][0], ""


def compare_night(night: int, build: Path, spark: Path, schemas: Sequence[str] = COMPARED) -> list[Compared]:
    """Every table of the layers, on either engine."""
    results = []
    with duckdb.connect() as db:
        db.execute(f"set timezone = 'UTC'; attach '{build}' as build (read_only)")
        ours = {
            f"{schema}.{table}"
            for schema, table in db.execute(
                "select table_schema, table_name from information_schema.tables "
                "where table_catalog = 'build' and table_type = 'BASE TABLE' and list_contains(?, table_schema)",
                [list(schemas)],
            ).fetchall()
        }
        theirs = {f"{path.parent.name}.{path.name}" for schema in schemas for path in (spark / schema).glob("*")}
        for name in sorted(ours | theirs):
            if name not in theirs or name not in ours:
                results.append(Compared(night, name, 0, 0, 0, why=f"only on {'DuckDB' if name in ours else 'Spark'}"))
                continue
            left = 'build."' + name.replace(".", '"."') + '"'
            results.append(Compared(night, name, *compare_table(db, left, f"read_parquet('{spark / name.replace('.', '/')}/*.parquet')")))
    return results


def run_parity(
    night: Callable[[int], Path],
    n_nights: int,
    work: Path,
    *,
    project: Path = ROOT / "dbt_project",
    profiles: Path = ROOT / "dbt_project",
    arguments: Sequence[str] = ARGUMENTS,
    sources: Sequence[str] = SOURCES,
    compared: Sequence[str] = COMPARED,
) -> list[Compared]:
    """`night(i)` runs night i (from 0) on DuckDB and gives its build database, closed. Then Spark does the same nights, one after the other."""
    work.mkdir(parents=True, exist_ok=True)
    steps: list[dict[str, object]] = []
    for i in range(n_nights):
        shutil.copyfile(night(i), work / f"night{i}.duckdb")
        files = export_sources(work / f"night{i}.duckdb", work / f"sources{i}", sources)
        steps.append({"sources": files, "dbt": list(arguments), "save": {schema: str(work / f"spark{i}") for schema in compared}})
    build_on_spark(work / "spark", project, profiles, steps)
    return [result for i in range(n_nights) for result in compare_night(i, work / f"night{i}.duckdb", work / f"spark{i}", compared)]


def table(results: Sequence[Compared]) -> str:
    """The comparison for people: a line a relation and night."""
    width = max((len(r.relation) for r in results), default=8)
    lines = [f"{'night':>5}  {'relation':<{width}}  {'rows':>10}  {'differences':>11}"]
    for r in results:
        note = r.why or ("" if r.n_duckdb == r.n_spark else f"Spark has {r.n_spark} rows")
        lines.append(f"{r.night + 1:>5}  {r.relation:<{width}}  {r.n_duckdb:>10}  {r.n_different:>11}  {note}".rstrip())
    n_wrong = sum(not r.same for r in results)
    lines.append(f"{len(results)} comparisons, {'all equal' if not n_wrong else f'{n_wrong} NOT equal'}")
    return "\n".join(lines)
