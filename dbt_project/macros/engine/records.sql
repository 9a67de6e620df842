{#- Of the records with one natural key the one that came last, as a subquery: two ids for one thing are one thing. -#}
{% macro newest_records(relation) -%}
    (
        select ranked.*
        from (
            select
                records.*,
                row_number() over (partition by coalesce(natural_key, record_id) order by known_on desc, record_id desc) as recency
            from {{ relation }} as records
        ) as ranked
        where ranked.recency = 1
    )
{%- endmacro %}
