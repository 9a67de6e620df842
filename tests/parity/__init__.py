"""The dbt project on DuckDB and on Spark, night after night, compared row by row."""
