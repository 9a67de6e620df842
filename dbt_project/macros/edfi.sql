{#- The key of an Ed-Fi class section, from the five columns that name it; `of` is the alias they stand under. -#}
{% macro edfi_section_key(of='') -%}
    {%- set names = [] -%}
    {%- for name in ['school_id', 'school_year', 'session_name', 'local_course_code', 'section_identifier'] -%}
        {%- do names.append(of ~ ('.' if of) ~ name) -%}
    {%- endfor -%}
    {{ concat_key(["'edfi'"] + names) }}
{%- endmacro %}
