{#- The rows of one index that are written together: those of one school (or the district) and group; `measures` and `cells` are aliases. -#}
{% macro index_place_key(measures, cells) -%}
    {{ concat_key([
        measures ~ '.index_id', cells ~ '.school_year', cells ~ '.school_id', cells ~ '.group_family', cells ~ '.group_value', cells ~ '.period_start'
    ]) }}
{%- endmacro %}
