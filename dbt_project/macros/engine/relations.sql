{#-
    dbt's own materializations `view` and `table`, in fewer steps on DuckDB. A change of DuckDB's catalogue is part of its transaction, so the new relation
    takes the old one's place in one statement, or none of it happens: nothing has to be built beside it, renamed and removed. Most of a small district's build
    was that renaming.
-#}

{% materialization view, adapter='duckdb' %}
    {{ return(made_in_place('view')) }}
{% endmaterialization %}


{% materialization table, adapter='duckdb' %}
    {{ return(made_in_place('table')) }}
{% endmaterialization %}


{% macro made_in_place(kind) %}
    {%- set target = this.incorporate(type=kind) -%}
    {%- set existing = load_cached_relation(this) -%}

    {% do run_hooks(pre_hooks, inside_transaction=False) %}
    {% do run_hooks(pre_hooks, inside_transaction=True) %}
    {#- something of another kind goes at once, and not in the statement: dbt's cache has to learn of it -#}
    {%- if existing is not none and existing.type != kind %}
        {%- do adapter.drop_relation(existing) %}
    {%- endif %}
    {% call statement('main') %}
        drop {{ kind }} if exists {{ target }};
        {{ get_create_view_as_sql(target, sql) if kind == 'view' else create_table_as(False, target, compiled_code) }}
    {% endcall %}
    {%- if kind == 'table' %}
        {%- do create_indexes(target) %}
    {%- endif %}
    {% do persist_docs(target, model) %}
    {% do run_hooks(post_hooks, inside_transaction=True) %}
    {% do adapter.commit() %}
    {% do run_hooks(post_hooks, inside_transaction=False) %}
    {{ return({'relations': [target]}) }}
{% endmacro %}
