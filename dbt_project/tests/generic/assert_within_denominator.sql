{#- A share's numerator lies between nothing and its denominator; a mean's, or that of an average a day, is not below nothing, but of changes. `indicators`
    is the registry, which says what is which. -#}
{% test assert_within_denominator(model, indicators) %}
    select figures.*
    from {{ model }} as figures
    left join {{ indicators }} as indicators on figures.indicator_id = indicators.indicator_id
    where
        (figures.numerator < 0 and coalesce(indicators.value_kind, 'share') <> 'mean_change')
        or (coalesce(indicators.value_kind, 'share') not in ('mean', 'mean_change', 'daily_average') and figures.numerator > figures.denominator)
{% endtest %}
