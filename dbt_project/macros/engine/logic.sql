{#- The smaller of two values, or the one that is there: Spark and DuckDB both skip nulls in least(), PostgreSQL too; written out for engines that do not. -#}
{% macro least_ignoring_null(first, second) -%}
    least(coalesce({{ first }}, {{ second }}), coalesce({{ second }}, {{ first }}))
{%- endmacro %}


{#- Whether the condition holds in any row of the group; null counts as no. -#}
{% macro bool_any(condition) -%}
    coalesce(max(case when {{ condition }} then 1 else 0 end), 0) = 1
{%- endmacro %}


{#- A scaled whole number as a person would read it: 4500 at scale 1000 is 4.5, 9000 is 9. -#}
{% macro plain_number(quantity, scale) -%}
    case
        when {{ quantity }} % {{ scale }} = 0 then cast(cast({{ quantity }} / {{ scale }} as bigint) as string)
        else cast(cast(cast({{ quantity }} as decimal(18, 3)) / {{ scale }} as decimal(18, 1)) as string)
    end
{%- endmacro %}
