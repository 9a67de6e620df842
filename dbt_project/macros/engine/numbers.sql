{#- Division to double; null where the divisor is null or 0. Spark raises, or rounds a decimal quotient at 6 digits; DuckDB gives inf. -#}
{% macro safe_divide(numerator, denominator) -%}
    {{ return(adapter.dispatch('safe_divide', 'throughline')(numerator, denominator)) }}
{%- endmacro %}

{% macro duckdb__safe_divide(numerator, denominator) -%}
    (cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0))
{%- endmacro %}

{% macro spark__safe_divide(numerator, denominator) -%}
    try_divide(cast({{ numerator }} as double), cast({{ denominator }} as double))
{%- endmacro %}


{#- A fixed decimal: quantities are never float. -#}
{% macro as_decimal(expression, precision=18, scale=6) -%}
    cast({{ expression }} as decimal({{ precision }}, {{ scale }}))
{%- endmacro %}


{#- A sum of integers as bigint: DuckDB sums to hugeint, which Parquet stores as double. -#}
{% macro sum_bigint(expression) -%}
    cast(sum({{ expression }}) as bigint)
{%- endmacro %}


{#- Text to decimal, null where it is not plainly a number. The engines agree on what they cast only inside this form; Spark's own cast raises. -#}
{% macro try_cast_decimal(text, precision=18, scale=6) -%}
    {{ return(adapter.dispatch('try_cast_decimal', 'throughline')(text, precision, scale)) }}
{%- endmacro %}

{% macro duckdb__try_cast_decimal(text, precision, scale) -%}
    case
        when regexp_full_match({{ text }}, '[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)')
            then try_cast({{ text }} as decimal({{ precision }}, {{ scale }}))
    end
{%- endmacro %}

{% macro spark__try_cast_decimal(text, precision, scale) -%}
    case
        when {{ text }} rlike '^[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)\\z'
            then try_cast({{ text }} as decimal({{ precision }}, {{ scale }}))
    end
{%- endmacro %}


{#- A part of a whole in thousandths, half rounded up, from whole numbers; null where the whole is 0. -#}
{% macro thousandths(part, whole) -%}
    cast(floor((2000 * {{ part }} + {{ whole }}) / nullif(2 * {{ whole }}, 0)) as bigint)
{%- endmacro %}


{#- The same in billionths. -#}
{% macro billionths(part, whole) -%}
    cast(floor((2000000000 * cast({{ part }} as bigint) + {{ whole }}) / nullif(2 * {{ whole }}, 0)) as bigint)
{%- endmacro %}


{#- What a day counts as absent, in thousandths, by the district's rule: `day_rule`, `day_numerator` and `day_denominator` are columns beside `missed` and
    `scheduled`, whole numbers of one unit. Compared as products, so that a day exactly on the fraction is absent. -#}
{% macro day_absent(missed, scheduled) -%}
    case
        when day_rule = 'proportional' then least(1000, {{ thousandths(missed, scheduled) }})
        when day_rule = 'any_period' then case when {{ missed }} > 0 then 1000 else 0 end
        when {{ missed }} * day_denominator >= day_numerator * {{ scheduled }} then 1000
        else 0
    end
{%- endmacro %}
