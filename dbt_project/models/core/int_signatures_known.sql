{{ config(materialized='touched', touched='dim_group_signatures', touched_key='signature') }}
-- The signatures in use and those that were since the last whole build: what nobody is in any more has still to be taken off from its cells.
select signature, group_family, group_value
from {{ ref('dim_group_signatures') }}
