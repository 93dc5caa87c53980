-- Hosts that share this database, and their claims on budgets when no Redis hands them out (docs/hosts.md): a claim is
-- what a host has spent of a budget's period and may spend yet, claimed the sum of all. Money is in millionths of a
-- dollar; budget is the identity of a counter (shared/limit/limit.h) in hex.
create table share_hosts (
    host text primary key,
    seen_ms bigint not null
);

create table share_budgets (
    budget text primary key,
    claimed bigint not null,
    ends_ms bigint not null
);
create index share_budgets_ends on share_budgets (ends_ms);

create table share_claims (
    budget text not null,
    host text not null,
    claim bigint not null,
    primary key (budget, host)
);
