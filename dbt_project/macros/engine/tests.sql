{#- dbt's own test `unique`, by the hash of the column: of millions of long keys it holds eight bytes each, and reads the keys themselves only where two hashes
    are the same. -#}
{% macro default__test_unique(model, column_name) %}
    with hashed as (
        select {{ row_hash([column_name]) }} as hashed
        from {{ model }}
        where {{ column_name }} is not null
        group by 1
        having count(*) > 1
    )

    select {{ column_name }} as unique_field, count(*) as n_records
    from {{ model }}
    where {{ row_hash([column_name]) }} in (select hashed from hashed)
    group by {{ column_name }}
    having count(*) > 1
{% endmacro %}
