{#- The areas on which each priority student is monitored, as `monitoring_areas.csv` has them: a column of the list each. -#}
{% macro priority_areas() %}
    {{ return(['attendance', 'connection', 'worthy_work', 'completion', 'learning']) }}
{% endmacro %}


{#- The week in which a student of the list was last seen in `area`, an expression. -#}
{% macro priority_last_seen(relation, area) -%}
    case {{ area }}
        {%- for name in priority_areas() %}
            when '{{ name }}' then {{ relation }}.{{ name }}_last_seen_week
        {%- endfor %}
    end
{%- endmacro %}
