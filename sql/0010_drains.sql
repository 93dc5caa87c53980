-- Provider accounts, of the store or of settings files, that an operator took out by hand.
create table provider_drains (
    name text primary key,
    drained_ms bigint not null
);
