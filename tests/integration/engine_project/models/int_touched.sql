{{ config(materialized='table', schema='intermediate') }}

select distinct
    subject_key,
    week_piece_id
from {{ source('held', 'touched') }}
