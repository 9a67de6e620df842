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
