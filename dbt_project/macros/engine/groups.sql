{#- Signatures taken apart, as a subquery: `used` names a relation with a column `signature`, a student's groups as one text in the order of their families
    (see dim_student_versions). Gives signature, group_family and group_value. -#}
{% macro groups_of_signatures(used) %}
    (
        select
            used.signature,
            families.group_family,
            split_part(split_part(used.signature, '|', cast(families.position as int)), '=', 2) as group_value
        from {{ used }} as used
        cross join (
            select group_family, row_number() over (order by group_family) as position
            from {{ ref('group_families') }}
        ) as families
    )
{% endmacro %}
