{#-
    The materialization `touched`: a table of which a build replaces only the keys that changed.

        config(materialized='touched', touched='int_touched_weeks', touched_key=['subject_key', 'week_piece_id'])

    `touched` names the model that lists the changed keys (a table: it is read more than once); `touched_key` the columns, of the same names in both,
    that match them. In the model, `{% if is_touched_build() %} ... {% endif %}` restricts the reading to those keys, with a ref() to the same model.

    - First build, --full-refresh, a view in its place, or other columns than before: the whole table is built and swapped in.
    - Otherwise the rows of every touched key are removed, also where nothing replaces them, and the model's rows inserted. Null matches null.
      A model that gives a row outside its touched keys is stopped: inserting it would duplicate what is there.
    - With `keeps_difference=true` the rows that a touched build wrote and those that it removed stay in `<model>__written` and `<model>__replaced` until
      the next build; after a whole build there are no such tables. `touched_written(ref('model'))` and `touched_replaced(ref('model'))` give them, for
      models that follow a change without reading all that did not change. Such a model is wrong for good where one change is taken twice or not at all:
      after a build that did not finish, everything is built whole, and a model that keeps its difference is never built whole by itself.
    - With `written_apart={'column': [values]}` DuckDB writes the rows of each of these values by themselves, and those of all others last: rows that are
      replaced together, as those of a kind of period are, then lie together. It puts neighbouring blocks together as soon as one in three of their rows is
      gone, and where those lie among rows that stay it writes all of them anew (docs/decisions/0019-written-apart.md).
-#}

{#- What the last build of `relation` kept under `name`, or none after a whole build (and of a unit test's input, which no build made). -#}
{% macro touched_kept(relation, name) %}
    {% if not execute or relation.schema is none %}
        {{ return(none) }}
    {% endif %}
    {{ return(load_cached_relation(relation.incorporate(path={'identifier': relation.identifier ~ '__' ~ name}, type='table'))) }}
{% endmacro %}


{#- The table of rows that the last build of `relation` replaced, or none after a whole one. -#}
{% macro touched_replaced(relation) %}
    {{ return(touched_kept(relation, 'replaced')) }}
{% endmacro %}


{#- The table of rows that the last build of `relation` wrote: all of `relation` after a whole one. -#}
{% macro touched_written(relation) %}
    {{ return(touched_kept(relation, 'written') or relation) }}
{% endmacro %}


{#- A change by its difference, as a subquery: the columns of `relation` (a table with `keeps_difference`) with `sign`, 1 for each row that the last build
    wrote and -1 for each that it replaced, of rows that meet the condition `where`. With `whole` all that is in `relation` counts as written and nothing
    as replaced. -#}
{% macro touched_difference(relation, columns, whole=false, where='true') %}
    {% set replaced = none if whole else touched_replaced(relation) %}
    (
        select {{ columns | join(', ') }}, 1 as sign
        from {{ relation if whole else touched_written(relation) }}
        where {{ where }}
        {% if replaced %}
            union all
            select {{ columns | join(', ') }}, -1 as sign
            from {{ replaced }}
            where {{ where }}
        {% endif %}
    )
{% endmacro %}


{% macro is_touched_build() %}
    {#- True while parsing, so that a ref() inside the block is a dependency. False in unit tests unless they override it. -#}
    {% if not execute %}
        {{ return(true) }}
    {% endif %}
    {% if model.config.materialized != 'touched' or model.get('rebuilds_whole') or should_full_refresh() %}
        {{ return(false) }}
    {% endif %}
    {% set existing = load_cached_relation(this) %}
    {{ return(existing is not none and existing.is_table) }}
{% endmacro %}


{#- The conditions of the parts that a model's rows are written in: one of all rows, or as `written_apart` says, and in the last what is in no other. -#}
{% macro touched_parts() %}
    {% set parts = [] %}
    {% for column, values in config.get('written_apart', {}).items() %}
        {% for value in values %}
            {% do parts.append(column ~ " = '" ~ value ~ "'") %}
        {% endfor %}
        {% do parts.append(column ~ " is null or " ~ column ~ " not in ('" ~ values | join("', '") ~ "')") %}
    {% endfor %}
    {{ return(parts or ['true']) }}
{% endmacro %}


{#- The rows of a query that meet the condition of a part. -#}
{% macro touched_part_of(sql, part) -%}
    {{ return(sql if part == 'true' else 'select * from (\n' ~ sql ~ '\n) as whole where ' ~ part) }}
{%- endmacro %}


{#- The settings of one model: the relation of touched keys and the condition under which aliases `t` (table) and `k` (touched) match. -#}
{% macro touched_settings() %}
    {% set keys = config.require('touched_key') %}
    {% set keys = [keys] if keys is string else keys %}
    {% set conditions = [] %}
    {% for key in keys %}
        {% do conditions.append('t.' ~ key ~ ' is not distinct from k.' ~ key) %}
    {% endfor %}
    {{ return({'touched': ref(config.require('touched')), 'matches': conditions | join(' and ')}) }}
{% endmacro %}


{% macro touched_same_columns(first, second) %}
    {% set described = [] %}
    {% for relation in [first, second] %}
        {% set columns = [] %}
        {% for column in adapter.get_columns_in_relation(relation) %}
            {% do columns.append(column.name | lower ~ ' ' ~ column.data_type | lower) %}
        {% endfor %}
        {% do described.append(columns | sort) %}
    {% endfor %}
    {{ return(described[0] == described[1]) }}
{% endmacro %}


{#- The model's SQL for the whole table, where the SQL compiled at first was for the touched keys only. -#}
{% macro touched_whole_sql() %}
    {% do touched_assert_may_be_whole() %}
    {% do model.update({'rebuilds_whole': true}) %}
    {{ return(render(model.raw_code)) }}
{% endmacro %}


{% macro touched_assert_may_be_whole() %}
    {#- With nothing there yet, all that follows is made for the first time too. -#}
    {% if config.get('keeps_difference') and not should_full_refresh() and load_cached_relation(this) is not none %}
        {% do exceptions.raise_compiler_error(this ~ ' can only be built whole with everything that follows it: dbt build --full-refresh') %}
    {% endif %}
{% endmacro %}


{% macro touched_assert_inside(new_rows, settings) %}
    {% set outside %}
        select count(*) as n from {{ new_rows }} as t where not exists (select 1 from {{ settings.touched }} as k where {{ settings.matches }})
    {% endset %}
    {% set n = run_query(outside).columns[0].values()[0] | int %}
    {% if n > 0 %}
        {% do exceptions.raise_compiler_error(
            this ~ ': ' ~ n ~ ' rows lie outside the touched keys of ' ~ settings.touched ~ '; restrict the model inside is_touched_build()'
        ) %}
    {% endif %}
{% endmacro %}


{% materialization touched, adapter='duckdb' %}
    {%- set settings = touched_settings() -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set keeps_difference = config.get('keeps_difference', false) -%}
    {%- set written = target.incorporate(path={'identifier': this.identifier ~ '__written'}) -%}
    {%- set replaced = target.incorporate(path={'identifier': this.identifier ~ '__replaced'}) -%}
    {%- set fresh = written if keeps_difference else make_temp_relation(target) -%}
    {%- set made = [target] -%}
    {%- set parts = touched_parts() -%}
    {%- set grants = config.get('grants') -%}
    {%- set whole_sql = none if is_touched_build() else compiled_code -%}
    {% if whole_sql is not none %}
        {% do touched_assert_may_be_whole() %}
    {% endif %}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}

    {% if whole_sql is none %}
        {% do run_query('drop table if exists ' ~ fresh) %}
        {% do run_query(create_table_as(not keeps_difference, fresh, compiled_code)) %}
        {% if touched_same_columns(fresh, existing) %}
            {% do touched_assert_inside(fresh, settings) %}
        {% else %}
            {% do run_query('drop table ' ~ fresh) %}
            {% set whole_sql = touched_whole_sql() %}
        {% endif %}
    {% endif %}

    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% if whole_sql is none %}
        {% set columns = get_quoted_csv(adapter.get_columns_in_relation(fresh) | map(attribute='name')) %}
        {% call statement('main') %}
            {% if keeps_difference %}
                {#- found once and taken off by their places, which hold within this transaction -#}
                create or replace table {{ replaced }} as
                select t.*, t.rowid as _row from {{ target }} as t where exists (select 1 from {{ settings.touched }} as k where {{ settings.matches }});
                delete from {{ target }} where rowid in (select _row from {{ replaced }});
                alter table {{ replaced }} drop column _row;
            {% else %}
                delete from {{ target }} as t where exists (select 1 from {{ settings.touched }} as k where {{ settings.matches }});
            {% endif %}
            {% for part in parts %}
                insert into {{ target }} ({{ columns }}) select {{ columns }} from {{ fresh }} where {{ part }};
            {% endfor %}
        {% endcall %}
        {% do made.extend([written, replaced] if keeps_difference else []) %}
    {% else %}
        {% set staged = make_intermediate_relation(target) %}
        {% do drop_relation_if_exists(load_cached_relation(staged)) %}
        {% call statement('main') %}
            {{ create_table_as(False, staged, touched_part_of(whole_sql, parts[0])) }}
        {% endcall %}
        {% for part in parts[1:] %}
            {% set columns = get_quoted_csv(adapter.get_columns_in_relation(staged) | map(attribute='name')) %}
            {% do run_query('insert into ' ~ staged ~ ' (' ~ columns ~ ') select ' ~ columns ~ ' from (' ~ touched_part_of(whole_sql, part) ~ ') as part') %}
        {% endfor %}
        {% if existing is not none %}
            {% do adapter.drop_relation(existing) %}
        {% endif %}
        {% do adapter.rename_relation(staged, target) %}
        {% do drop_relation_if_exists(load_cached_relation(written)) %}
        {% do drop_relation_if_exists(load_cached_relation(replaced)) %}
        {% do create_indexes(target) %}
    {% endif %}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do apply_grants(target, grants, should_revoke=should_revoke(existing, full_refresh_mode=whole_sql is not none)) %}
    {% do persist_docs(target, model) %}
    {% do adapter.commit() %}

    {% if whole_sql is none and not keeps_difference %}
        {% do run_query('drop table ' ~ fresh) %}
    {% endif %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': made}) }}
{% endmaterialization %}


{#- The first column of a query as quoted literals. -#}
{% macro touched_texts(query) %}
    {% set texts = [] %}
    {% for value in run_query(query).columns[0].values() %}
        {% do texts.append("'" ~ dbt.escape_single_quotes(value) ~ "'") %}
    {% endfor %}
    {{ return(texts) }}
{% endmacro %}


{#-
    Spark has no transaction over two statements and cannot overwrite what it reads. The new content is staged as a table; then it takes the target's
    place, or, with `partition_by` (one column, never null), replaces the partitions it concerns. A run killed in between is mended by the next:
    a missing table is built whole, and staged tables are dropped before use.
-#}
{% materialization touched, adapter='spark' %}
    {%- set settings = touched_settings() -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set keeps_difference = config.get('keeps_difference', false) -%}
    {%- set fresh = target.incorporate(path={'identifier': this.identifier ~ ('__written' if keeps_difference else '__fresh')}) -%}
    {%- set staged = target.incorporate(path={'identifier': this.identifier ~ '__staged'}) -%}
    {%- set replaced = target.incorporate(path={'identifier': this.identifier ~ '__replaced'}) -%}
    {%- set made = [target] -%}
    {%- set grants = config.get('grants') -%}
    {%- set partition_by = config.get('partition_by') -%}
    {%- set partition_by = partition_by[0] if partition_by is sequence and partition_by is not string else partition_by -%}
    {%- set whole_sql = none if is_touched_build() else compiled_code -%}
    {% if whole_sql is not none %}
        {% do touched_assert_may_be_whole() %}
    {% endif %}

    {% do drop_relation_if_exists(load_cached_relation(fresh)) %}
    {% do run_query('drop table if exists ' ~ fresh) %}
    {% do run_query('drop table if exists ' ~ staged) %}
    {% do drop_relation_if_exists(load_cached_relation(replaced)) %}
    {{ run_hooks(pre_hooks) }}

    {% if whole_sql is none %}
        {% do run_query(create_table_as(False, fresh, compiled_code)) %}
        {% if touched_same_columns(fresh, existing) %}
            {% do touched_assert_inside(fresh, settings) %}
        {% else %}
            {% set whole_sql = touched_whole_sql() %}
        {% endif %}
    {% endif %}

    {% if whole_sql is not none and partition_by %}
        {#- not staged: a partitioned table keeps its old place in some catalogues when it is renamed -#}
        {% do drop_relation_if_exists(existing) %}
        {% call statement('main') %}
            {{ create_table_as(False, target, whole_sql) }}
        {% endcall %}
    {% elif whole_sql is not none %}
        {% call statement('main') %}
            {{ create_table_as(False, staged, whole_sql) }}
        {% endcall %}
        {% do drop_relation_if_exists(existing) %}
        {% do run_query('alter table ' ~ staged ~ ' rename to ' ~ target) %}
    {% else %}
        {% if keeps_difference %}
            {% do run_query(
                'create table ' ~ replaced ~ ' ' ~ file_format_clause() ~ ' as select t.* from ' ~ existing ~ ' as t where exists (select 1 from '
                ~ settings.touched ~ ' as k where ' ~ settings.matches ~ ')'
            ) %}
            {% do made.extend([fresh, replaced]) %}
        {% endif %}
        {% set columns = get_quoted_csv(adapter.get_columns_in_relation(existing) | map(attribute='name')) %}
        {% set kept %}not exists (select 1 from {{ settings.touched }} as k where {{ settings.matches }}){% endset %}
        {% if partition_by %}
            {% set partition = 'cast(' ~ partition_by ~ ' as string)' %}
            {% set query %}
                select {{ partition }} from {{ existing }} as t where not {{ kept }} union select {{ partition }} from {{ fresh }}
            {% endset %}
            {% set concerned = touched_texts(query) %}
            {% set kept = kept ~ ' and ' ~ partition ~ ' in (' ~ (concerned or ["''"]) | join(', ') ~ ')' %}
        {% endif %}
        {% call statement('main') %}
            create table {{ staged }} {{ file_format_clause() }} as
            select {{ columns }} from {{ existing }} as t where {{ kept }}
            union all
            select {{ columns }} from {{ fresh }}
        {% endcall %}
        {% if partition_by %}
            {% set left = touched_texts('select distinct ' ~ partition ~ ' from ' ~ staged) %}
            {% do run_query('set spark.sql.sources.partitionOverwriteMode = dynamic') %}
            {% do run_query('insert overwrite table ' ~ target ~ ' partition (' ~ partition_by ~ ') select ' ~ columns ~ ' from ' ~ staged) %}
            {#- a partition of which nothing is left is not overwritten by nothing: it goes by name -#}
            {% for text in concerned if text not in left %}
                {% do run_query('alter table ' ~ target ~ ' drop if exists partition (' ~ partition_by ~ ' = ' ~ text ~ ')') %}
            {% endfor %}
            {% do run_query('drop table ' ~ staged) %}
        {% else %}
            {% do drop_relation_if_exists(existing) %}
            {% do run_query('alter table ' ~ staged ~ ' rename to ' ~ target) %}
        {% endif %}
    {% endif %}
    {% if whole_sql is not none or not keeps_difference %}
        {% do run_query('drop table if exists ' ~ fresh) %}
    {% endif %}

    {% do apply_grants(target, grants, should_revoke=should_revoke(existing, full_refresh_mode=whole_sql is not none)) %}
    {% do persist_docs(target, model) %}
    {{ run_hooks(post_hooks) }}
    {{ return({'relations': made}) }}
{% endmaterialization %}
