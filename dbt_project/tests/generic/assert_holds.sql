{% test assert_holds(model, condition) %}
    select * from {{ model }} where not ({{ condition }})
{% endtest %}
