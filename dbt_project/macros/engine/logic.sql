{#- The smaller of two values, or the one that is there: Spark and DuckDB both skip nulls in least(), PostgreSQL too; written out for engines that do not. -#}
{% macro least_ignoring_null(first, second) -%}
    least(coalesce({{ first }}, {{ second }}), coalesce({{ second }}, {{ first }}))
{%- endmacro %}


{#- Whether the condition holds in any row of the group; null counts as no. -#}
{% macro bool_any(condition) -%}
    coalesce(max(case when {{ condition }} then 1 else 0 end), 0) = 1
{%- endmacro %}


{#- A scaled whole number as a person would read it: 4500 at scale 1000 is 4.5, 9000 is 9, and 4999 is 4.999: what is near a line is not rounded onto it. -#}
{% macro plain_number(quantity, scale) -%}
    case
        when {{ quantity }} % {{ scale }} = 0 then cast(cast({{ quantity }} / {{ scale }} as bigint) as string)
        when {{ quantity }} * 100 % {{ scale }} <> 0 then cast(cast(cast({{ quantity }} as decimal(18, 3)) / {{ scale }} as decimal(18, 3)) as string)
        when {{ quantity }} * 10 % {{ scale }} <> 0 then cast(cast(cast({{ quantity }} as decimal(18, 3)) / {{ scale }} as decimal(18, 2)) as string)
        else cast(cast(cast({{ quantity }} as decimal(18, 3)) / {{ scale }} as decimal(18, 1)) as string)
    end
{%- endmacro %}


{#- Whether two conditions may both hold, and it is not known that they do: none of them is false, and one is null. -#}
{% macro may_be_both(first, second) -%}
    coalesce({{ first }}, true) and coalesce({{ second }}, true) and ({{ first }} is null or {{ second }} is null)
{%- endmacro %}
