{#- A mart's key is unique. A touched build writes rows of its touched keys alone, so a night looks only at these: at the rows that have a key of `touched` in
    the columns `touched_key`, both as the model's own settings say. After a whole build it looks at all. Counted by hash: of millions of long keys that holds
    eight bytes each, and reads the keys themselves only where two hashes are the same. -#}
{% test unique_where_touched(model, column_name, touched, touched_key) %}
    {% set looked_at -%}
        (
            select mart.{{ column_name }}
            from {{ model }} as mart
            {% if not flags.FULL_REFRESH %}
                where
                    exists (
                        select 1 from {{ touched }} as touched
                        where
                            {% for column in touched_key -%}
                                {{ 'and ' if not loop.first }}mart.{{ column }} = touched.{{ column }}
                            {% endfor %}
                    )
            {% endif %}
        )
    {%- endset %}
    with hashed as (
        select {{ row_hash([column_name]) }} as hashed
        from {{ looked_at }} as looked_at
        where {{ column_name }} is not null
        group by 1
        having count(*) > 1
    )

    select {{ column_name }} as unique_field, count(*) as n_records
    from {{ looked_at }} as looked_at
    inner join hashed on {{ row_hash([column_name]) }} = hashed.hashed
    group by {{ column_name }}
    having count(*) > 1
{% endtest %}
