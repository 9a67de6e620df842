"""Run by Spark's own environment, never imported: builds a dbt project on a Spark session, step after step, in one process.

Takes the path of a JSON file: `{"work": folder, "project": folder, "profiles": folder, "steps": [{"sources": {"schema.table": Parquet file}, "dbt":
[arguments], "save": {"schema": folder}}]}`. Each step registers its sources, runs dbt, and writes every table of the named schemas as Parquet.
The warehouse lives as long as the process, so that later steps are incremental. Ends with status 1 where dbt fails.
"""

import json
import sys
from pathlib import Path

from dbt.cli.main import dbtRunner
from pyspark.sql import SparkSession


def main(plan: dict) -> int:
    work = Path(plan["work"])
    settings = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "2g",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": str(work / "warehouse"),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # small data, many statements: compiling each of them takes longer than running it (96 s became 30 s on the engine tests)
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
    }
    builder = SparkSession.builder.master("local[2]").appName("parity")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    for step in plan["steps"]:
        for name, parquet in step["sources"].items():
            session.sql(f"create schema if not exists {name.split('.')[0]}")
            session.sql(f"drop table if exists {name}")
            session.sql(f"create table {name} using parquet location '{parquet}'")
        arguments = [*step["dbt"], "--project-dir", plan["project"], "--profiles-dir", plan["profiles"], "--target", "spark"]
        arguments += ["--target-path", str(work / "target"), "--log-path", str(work / "logs")]
        if not dbtRunner().invoke(arguments).success:
            return 1
        for schema, folder in step["save"].items():
            if not session.catalog.databaseExists(schema):
                continue
            for table in session.catalog.listTables(schema):
                if table.tableType != "VIEW" and not table.isTemporary:
                    frame = session.table(f"{schema}.{table.name}")
                    frame.coalesce(1).write.mode("overwrite").parquet(str(Path(folder) / schema / table.name))
    session.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
