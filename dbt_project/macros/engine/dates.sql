{#- Days from the first date to the second, as bigint: the engines order the arguments differently. -#}
{% macro day_diff(first_date, second_date) -%}
    {{ return(adapter.dispatch('day_diff', 'throughline')(first_date, second_date)) }}
{%- endmacro %}

{% macro duckdb__day_diff(first_date, second_date) -%}
    date_diff('day', cast({{ first_date }} as date), cast({{ second_date }} as date))
{%- endmacro %}

{% macro spark__day_diff(first_date, second_date) -%}
    cast(datediff(cast({{ second_date }} as date), cast({{ first_date }} as date)) as bigint)
{%- endmacro %}


{#- A date so many days later (earlier where negative), as date: adding an interval gives a timestamp on DuckDB. -#}
{% macro add_days(date_expression, days) -%}
    {{ return(adapter.dispatch('add_days', 'throughline')(date_expression, days)) }}
{%- endmacro %}

{% macro duckdb__add_days(date_expression, days) -%}
    (cast({{ date_expression }} as date) + cast({{ days }} as integer))
{%- endmacro %}

{% macro spark__add_days(date_expression, days) -%}
    date_add(cast({{ date_expression }} as date), cast({{ days }} as integer))
{%- endmacro %}


{#- The Monday of a date's week, as date. -#}
{% macro week_start(date_expression) -%}
    {{ return(adapter.dispatch('week_start', 'throughline')(date_expression)) }}
{%- endmacro %}

{% macro duckdb__week_start(date_expression) -%}
    cast(date_trunc('week', cast({{ date_expression }} as date)) as date)
{%- endmacro %}

{% macro spark__week_start(date_expression) -%}
    trunc(cast({{ date_expression }} as date), 'week')
{%- endmacro %}


{#- The first of a date's month, as date. -#}
{% macro month_start(date_expression) -%}
    {{ return(adapter.dispatch('month_start', 'throughline')(date_expression)) }}
{%- endmacro %}

{% macro duckdb__month_start(date_expression) -%}
    cast(date_trunc('month', cast({{ date_expression }} as date)) as date)
{%- endmacro %}

{% macro spark__month_start(date_expression) -%}
    trunc(cast({{ date_expression }} as date), 'month')
{%- endmacro %}


{#- Monday 1 to Sunday 7, as bigint: each engine has its own name for it. -#}
{% macro iso_weekday(date_expression) -%}
    {{ return(adapter.dispatch('iso_weekday', 'throughline')(date_expression)) }}
{%- endmacro %}

{% macro duckdb__iso_weekday(date_expression) -%}
    cast(isodow(cast({{ date_expression }} as date)) as bigint)
{%- endmacro %}

{% macro spark__iso_weekday(date_expression) -%}
    cast(weekday(cast({{ date_expression }} as date)) + 1 as bigint)
{%- endmacro %}


{#- Every day from the first to the last, both included: one output row each. An item of a select list, alone under its alias; none where a bound is
    null or they are in the wrong order. Spark's sequence() raises on the wrong order. -#}
{% macro generate_days(first_date, last_date) -%}
    {{ return(adapter.dispatch('generate_days', 'throughline')(first_date, last_date)) }}
{%- endmacro %}

{% macro duckdb__generate_days(first_date, last_date) -%}
    (cast({{ first_date }} as date) + cast(unnest(range(0, 1 + {{ day_diff(first_date, last_date) }})) as integer))
{%- endmacro %}

{% macro spark__generate_days(first_date, last_date) -%}
    explode(
        case
            when cast({{ first_date }} as date) <= cast({{ last_date }} as date)
                then sequence(cast({{ first_date }} as date), cast({{ last_date }} as date), interval 1 day)
        end
    )
{%- endmacro %}


{#- ISO text (2025-08-18) to date, null where it is anything else or no such day. Alone each engine takes other forms, and Spark's cast raises. -#}
{% macro try_cast_date(text) -%}
    {{ return(adapter.dispatch('try_cast_date', 'throughline')(text)) }}
{%- endmacro %}

{% macro duckdb__try_cast_date(text) -%}
    case when regexp_full_match({{ text }}, '[0-9]{4}-[0-9]{2}-[0-9]{2}') then try_cast({{ text }} as date) end
{%- endmacro %}

{% macro spark__try_cast_date(text) -%}
    case when {{ text }} rlike '^[0-9]{4}-[0-9]{2}-[0-9]{2}\\z' then try_cast({{ text }} as date) end
{%- endmacro %}
