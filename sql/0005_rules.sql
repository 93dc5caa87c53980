-- Limits and budgets of operators. Members are texts as people write them (shared/limit/rule.h), null is "not given".
create table limits (
    id bigint primary key,
    name text,
    scope text not null,
    requests text,
    input_tokens text,
    output_tokens text,
    total_tokens text,
    concurrent text,
    algorithm text,
    burst text,
    mode text,
    created_ms bigint not null
);

create table budgets (
    id bigint primary key,
    name text not null,
    scope text not null,
    amount text not null,
    period text not null,
    window_ms bigint not null default 0,
    zone text,
    soft text,
    mode text,
    strict bigint not null default 0,
    cut bigint not null default 0,
    created_ms bigint not null,
    unique (scope, name)
);

-- Models that keys of a tenant or team may ask for, a JSON array. Null is all, empty is none.
alter table tenants add column models text;
alter table teams add column models text;
