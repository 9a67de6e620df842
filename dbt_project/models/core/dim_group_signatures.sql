-- Every signature in use, taken apart again: the rows that turn one aggregate per signature into one per group.
{% set used -%}
    (select distinct signature from {{ ref('dim_student_versions') }} union select distinct signature from {{ ref('dim_student_years') }})
{%- endset %}
select taken_apart.signature, taken_apart.group_family, taken_apart.group_value
from {{ groups_of_signatures(used) }} as taken_apart
