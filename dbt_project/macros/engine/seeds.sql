{#- Loads a seed's rows on Spark. dbt-spark's own writes a null as the text None and breaks on an apostrophe. -#}
{% macro spark__load_csv_rows(model, agate_table) %}
    {% set types = [] %}
    {% for name in agate_table.column_names %}
        {% do types.append(model.config.get('column_types', {}).get(name, adapter.convert_type(agate_table, loop.index0))) %}
    {% endfor %}
    {% set sql %}
        insert into {{ this }} values
        {% for row in agate_table.rows %}
            (
            {%- for value in row -%}
                {%- set text = value | string | replace('\\', '\\\\') | replace("'", "\\'") -%}
                cast({% if value is none %}null{% else %}'{{ text }}'{% endif %} as {{ types[loop.index0] }}){{ ',' if not loop.last }}
            {%- endfor -%}
            ){{ ',' if not loop.last }}
        {% endfor %}
    {% endset %}
    {% if agate_table.rows | length > 0 %}
        {% do run_query(sql) %}
    {% endif %}
    {{ return(sql) }}
{% endmacro %}
