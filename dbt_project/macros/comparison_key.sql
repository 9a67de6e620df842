{#- A figure's key without its profile: the figures of an indicator's profiles for one place, grade, group and period. -#}
{% macro comparison_key(relation) -%}
    {%- set columns = ['school_year', 'school_id', 'grade_level', 'group_family', 'group_value', 'period_type', 'period_start', 'indicator_id'] -%}
    {{ concat_key((relation ~ '.' ~ columns | join(' ' ~ relation ~ '.')).split(' ')) }}
{%- endmacro %}
