{#- The sums over people that a cell is made of, added up over the rows of `relation`: how many they are, and of numerators and denominators the sums, the
    sums of squares and of products. -#}
{% macro moment_sums(relation) %}
    {%- for column in ['n_subjects', 'sum_n', 'sum_d', 'sum_nn', 'sum_dd', 'sum_nd'] %}
        {{ sum_bigint(relation ~ '.' ~ column) }} as {{ column }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
