-- Changes of how well provider accounts are, as each host saw them. Names of states, causes and faults are words.
create table provider_events (
    id text primary key,
    at_ms bigint not null,
    host text not null,
    provider text not null,
    from_state text not null,
    to_state text not null,
    cause text not null,
    why text,
    until_ms bigint not null
);
create index provider_events_at on provider_events (at_ms, id);
create index provider_events_provider on provider_events (provider, at_ms);

-- Which of the hosts with this database asks an account how it is, until when, and the number and status of its last
-- answer, for the others.
create table provider_probes (
    provider text primary key,
    host text not null,
    until_ms bigint not null,
    number bigint not null,
    status bigint not null
);
