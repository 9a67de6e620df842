{#- One text of several columns, different for different values: `^` escapes itself and the separator, and `^0` is null. The columns may be text,
    integers, dates, booleans or fixed decimals; floats and timestamps are written differently by the engines. -#}
{% macro concat_key(expressions) -%}
    {%- set parts = [] -%}
    {%- for expression in expressions -%}
        {%- do parts.append("coalesce(replace(replace(cast(" ~ expression ~ " as string), '^', '^^'), '|', '^|'), '^0')") -%}
    {%- endfor -%}
    concat_ws('|', {{ parts | join(', ') }})
{%- endmacro %}


{#- The first `n` columns of a `concat_key` as a key of their own: what escapes is set aside while the columns are told apart. -#}
{% macro key_begins(key, n) -%}
    {%- set parts = [] -%}
    {%- for part in range(1, n + 1) -%}
        {%- do parts.append("split_part(replace(replace(" ~ key ~ ", '^^', '^1'), '^|', '^2'), '|', " ~ part ~ ")") -%}
    {%- endfor -%}
    replace(replace({{ parts | join(" || '|' || ") }}, '^2', '^|'), '^1', '^^')
{%- endmacro %}


{#- A key of 32 hexadecimal digits over several columns, the same on every engine. -#}
{% macro hash_key(expressions) -%}
    md5({{ concat_key(expressions) }})
{%- endmacro %}


{#- A short name for a long text that goes along with many rows: 12 hexadecimal digits, which DuckDB keeps within the row. That no two texts share one is
    tested where the texts are listed. -#}
{% macro signature(text) -%}
    substr(md5({{ text }}), 1, 12)
{%- endmacro %}


{#- A group's texts joined in a stated order, nulls left out. Give an order that is total and never null: nulls sort apart on the two engines. -#}
{% macro ordered_list(expression, order_by, separator=', ') -%}
    {{ return(adapter.dispatch('ordered_list', 'throughline')(expression, order_by, separator)) }}
{%- endmacro %}

{% macro duckdb__ordered_list(expression, order_by, separator) -%}
    string_agg({{ expression }}, '{{ separator }}' order by {{ order_by }})
{%- endmacro %}

{% macro spark__ordered_list(expression, order_by, separator) -%}
    listagg({{ expression }}, '{{ separator }}') within group (order by {{ order_by }})
{%- endmacro %}


{#- The text under a name of a JSON object, null where it has none. The name is an expression, and may hold any character but quotation marks. -#}
{% macro json_text(json, name) -%}
    {{ return(adapter.dispatch('json_text', 'throughline')(json, name)) }}
{%- endmacro %}

{% macro duckdb__json_text(json, name) -%}
    json_extract_string({{ json }}, '$."' || {{ name }} || '"')
{%- endmacro %}

{% macro spark__json_text(json, name) -%}
    get_json_object({{ json }}, concat("$['", {{ name }}, "']"))
{%- endmacro %}


{#- Every object of a list in JSON text, as JSON text: one output row each. An item of a select list, alone under its alias; none where the text is null. -#}
{% macro json_items(text) -%}
    {{ return(adapter.dispatch('json_items', 'throughline')(text)) }}
{%- endmacro %}

{% macro duckdb__json_items(text) -%}
    unnest(cast(json_extract({{ text }}, '$[*]') as varchar[]))
{%- endmacro %}

{% macro spark__json_items(text) -%}
    explode(from_json({{ text }}, 'array<string>'))
{%- endmacro %}


{#- A field of an object in JSON text as text, by its dotted path (`[0].name` of a list); null where it is absent. -#}
{% macro json_field(text, path) -%}
    {{ return(adapter.dispatch('json_field', 'throughline')(text, path)) }}
{%- endmacro %}

{% macro duckdb__json_field(text, path) -%}
    json_extract_string({{ text }}, '${{ path if path.startswith('[') else '.' ~ path }}')
{%- endmacro %}

{% macro spark__json_field(text, path) -%}
    get_json_object({{ text }}, '${{ path if path.startswith('[') else '.' ~ path }}')
{%- endmacro %}


{#- An e-mail address as sources that know people by it have it: SHA-256 of the address in small letters, as hexadecimal digits. -#}
{% macro email_digest(address) -%}
    {{ return(adapter.dispatch('email_digest', 'throughline')(address)) }}
{%- endmacro %}

{% macro duckdb__email_digest(address) -%}
    sha256(lower(trim({{ address }})))
{%- endmacro %}

{% macro spark__email_digest(address) -%}
    sha2(lower(trim({{ address }})), 256)
{%- endmacro %}


{#- A whole number that is the same for the same values of some columns, null among them: to see whether rows differ, in one engine and one query. -#}
{% macro row_hash(columns) %}
    {{ return(adapter.dispatch('row_hash', 'throughline')(columns)) }}
{% endmacro %}

{% macro duckdb__row_hash(columns) %}
    {#- twice, the second time four places later: DuckDB's own hash of a text longer than 12 bytes is often the same where two bytes differ eight apart -#}
    {%- set said = [] -%}
    {%- for column in columns -%}
        {%- do said.extend([column, "'....' || " ~ column]) -%}
    {%- endfor -%}
    {{- 'hash(' ~ said | join(', ') ~ ')' -}}
{% endmacro %}

{% macro spark__row_hash(columns) %}
    {%- set said = [] -%}
    {%- for column in columns -%}
        {%- do said.append("coalesce(concat('=', " ~ column ~ "), '')") -%}
    {%- endfor -%}
    {{- 'xxhash64(' ~ said | join(', ') ~ ')' -}}
{% endmacro %}
