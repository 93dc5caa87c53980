-- Claims of hosts on rolling budgets (docs/hosts.md): a budget's window is cut into steps, and each host claims of each
-- step what it has spent in it or may spend yet. Money is in millionths of a dollar; begun_ms of share_budgets is when the
-- first host claimed, ends_ms when nobody has for a whole window.
alter table share_budgets add column begun_ms bigint not null default 0;

create table share_steps (
    budget text not null,
    step_ms bigint not null,
    host text not null,
    claim bigint not null,
    primary key (budget, step_ms, host)
);
