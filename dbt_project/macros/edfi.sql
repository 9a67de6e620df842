{#- The key of an Ed-Fi class section, from the five columns that name it; `of` is the alias they stand under. -#}
{% macro edfi_section_key(of='') -%}
    {%- set names = [] -%}
    {%- for name in ['school_id', 'school_year', 'session_name', 'local_course_code', 'section_identifier'] -%}
        {%- do names.append(of ~ ('.' if of) ~ name) -%}
    {%- endfor -%}
    {{ concat_key(["'edfi'"] + names) }}
{%- endmacro %}


{#- The id of an Ed-Fi assessment, from the two columns that name it: what a district writes in its maps, `assessmentIdentifier|namespace`. -#}
{% macro edfi_assessment_id(of='') -%}
    {{ concat_key([of ~ ('.' if of) ~ 'assessment_identifier', of ~ ('.' if of) ~ 'namespace']) }}
{%- endmacro %}


{#- The day that an Ed-Fi date and time (an assessment's, since Data Standard 3) is written as having, whatever its offset: no time is moved to another day. -#}
{% macro edfi_day(text) -%}
    {{ try_cast_date('substr(' ~ text ~ ', 1, 10)') }}
{%- endmacro %}
