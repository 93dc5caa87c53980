-- Further credentials of an account of the store, beside provider_accounts.credential; each is sealed under the
-- master key key_id (supervisor/keys/vault.h). weight: its share of the account's requests.
create table provider_keys (
    account text not null references provider_accounts (name) on delete cascade,
    name text not null,
    credential text not null,
    key_id text not null,
    weight bigint not null default 1,
    created_ms bigint not null,
    primary key (account, name)
);
