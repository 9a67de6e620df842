{#-
    dbt's own materializations `view` and `table`, in fewer steps on DuckDB. A change of DuckDB's catalogue is part of its transaction, so the new relation
    takes the old one's place in one statement, or none of it happens: nothing has to be built beside it, renamed and removed. Most of a small district's build
    was that renaming.
-#}

{#- What stands in the way of `target`, as SQL before the statement that makes it. Something of another kind goes at once: dbt's cache has to learn of it. -#}
{% macro drop_in_place(existing, target) %}
    {%- if existing is not none and existing.type == target.type %}
        drop {{ existing.type }} if exists {{ existing }};
    {%- elif existing is not none %}
        {%- do adapter.drop_relation(existing) %}
    {%- endif %}
{% endmacro %}


{% materialization view, adapter='duckdb' %}
    {%- set target = this.incorporate(type='view') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') %}
        {{ drop_in_place(load_cached_relation(this), target) }}
        {{ get_create_view_as_sql(target, sql) }}
    {% endcall %}
    {% do persist_docs(target, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}


{% materialization table, adapter='duckdb' %}
    {%- set target = this.incorporate(type='table') -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') %}
        {{ drop_in_place(load_cached_relation(this), target) }}
        {{ create_table_as(False, target, compiled_code) }}
    {% endcall %}
    {% do create_indexes(target) %}
    {% do persist_docs(target, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}
