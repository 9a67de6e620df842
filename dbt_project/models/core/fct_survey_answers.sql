{{ config(
    materialized='touched',
    touched='int_survey_changed',
    touched_key=['response_key']
) }}
-- An answer as its item map and scale read it. `item_value` is reversed where the item is; an answer that does not count (blank, not applicable, one of
-- several choices) has none. `respondent_key` is there only where the wave is declared linked.
with answers as (
    select
        {{ concat_key(["survey_id", "wave_id", "response_id"]) }} as response_key,
        survey_id,
        wave_id,
        respondent_id,
        answered_on,
        respondent_role,
        school_key,
        grade_level,
        item_title,
        occurrence,
        choice,
        answer,
        delivery_id,
        line_number
    from {{ ref('int_survey_answers_combined') }}
),

scored as (
    select
        answers.response_key,
        answers.survey_id,
        answers.wave_id,
        case when waves.respondent = 'linked' then answers.respondent_id end as respondent_key,
        answers.answered_on,
        answers.respondent_role,
        answers.school_key,
        answers.grade_level,
        items.item_id,
        items.construct,
        answers.choice,
        answers.answer,
        case when items.kind <> 'multi' then {{ try_cast_decimal('scales.value') }} end as raw_value,
        case
            when items.kind = 'multi' then null
            when items.is_reversed = 'true'
                then {{ try_cast_decimal('scales.minimum') }} + {{ try_cast_decimal('scales.maximum') }} - {{ try_cast_decimal('scales.value') }}
            else {{ try_cast_decimal('scales.value') }}
        end as item_value,
        {{ try_cast_decimal('scales.favorable_from') }} as favorable_from,
        answers.delivery_id,
        answers.line_number
    from answers
    inner join {{ source('settings', 'survey_items') }} as items
        on
            answers.survey_id = items.survey_id
            and answers.item_title = items.item_title
            and coalesce(nullif(answers.occurrence, ''), '1') = items.occurrence
    left join {{ source('settings', 'survey_scales') }} as scales
        on items.scale_id = scales.scale_id and answers.answer = scales.answer
    left join {{ source('settings', 'survey_waves') }} as waves
        on answers.survey_id = waves.survey_id and answers.wave_id = waves.wave_id
    {% if is_touched_build() %}
        inner join {{ ref('int_survey_changed') }} as changed on answers.response_key = changed.response_key
    {% endif %}
    where scales.scale_id is not null or answers.answer is null -- a question left blank is an answer that is not valid
)

select
    scored.response_key,
    scored.survey_id,
    scored.wave_id,
    scored.respondent_key,
    scored.answered_on,
    dates.piece_start,
    scored.respondent_role,
    scored.school_key,
    scored.grade_level,
    scored.item_id,
    scored.construct,
    scored.choice,
    scored.answer,
    scored.raw_value,
    scored.item_value,
    scored.item_value is not null as is_valid,
    coalesce(scored.item_value >= scored.favorable_from, false) as is_favorable,
    scored.delivery_id,
    scored.line_number
from scored
inner join {{ ref('dim_dates') }} as dates on scored.answered_on = dates.calendar_date
