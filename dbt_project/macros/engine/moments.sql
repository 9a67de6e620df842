{#- The sums over people that a cell is made of: how many they are, and of numerators and denominators the sums, the sums of squares and of products. -#}
{% macro moments() %}
    {{ return(['n_subjects', 'sum_n', 'sum_d', 'sum_nn', 'sum_dd', 'sum_nd']) }}
{% endmacro %}


{#- They, of rows that are a person each, with `sign` 1 for one that counts and -1 for one that no longer does. -#}
{% macro moments_of(numerator, denominator) %}
    {%- set products = ['1', numerator, denominator, numerator ~ ' * ' ~ numerator, denominator ~ ' * ' ~ denominator, numerator ~ ' * ' ~ denominator] %}
    {%- for column in moments() %}
        {{ sum_bigint('sign * ' ~ products[loop.index0]) }} as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{#- They, added up over the rows of `relation`. -#}
{% macro moment_sums(relation) %}
    {%- for column in moments() %}
        {{ sum_bigint(relation ~ '.' ~ column) }} as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{#- They, of one row and of another that may be missing; `other` is none where there is none. -#}
{% macro moments_together(row, other) %}
    {%- for column in moments() %}
        {{ row }}.{{ column }}{{ ' + coalesce(' ~ other ~ '.' ~ column ~ ', 0)' if other }} as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{#- Whether anything of them is left, where what counts and what no longer does were added up. -#}
{% macro moments_left(relation) -%}
    ({% for column in moments() %}{{ relation }}.{{ column }} <> 0{{ ' or ' if not loop.last }}{% endfor %})
{%- endmacro %}
