-- Who calls. Row 0 of a tenant, team or user stands for "none" in usage and is no row here.
create table tenants (
    id bigint primary key,
    name text not null unique,
    created_ms bigint not null
);

create table teams (
    id bigint primary key,
    tenant_id bigint not null references tenants (id),
    name text not null,
    created_ms bigint not null,
    unique (tenant_id, name)
);

create table users (
    id bigint primary key,
    tenant_id bigint not null references tenants (id),
    team_id bigint references teams (id),
    name text not null,
    email text,
    created_ms bigint not null,
    unique (tenant_id, name)
);

-- Of a key's secret only the SHA-256 is here. previous_hash is valid until previous_until_ms.
create table api_keys (
    id text primary key,
    name text not null,
    secret_hash text not null,
    previous_hash text,
    previous_until_ms bigint not null default 0,
    expires_ms bigint not null default 0,
    flags bigint not null default 0,
    models text,
    tenant_id bigint references tenants (id),
    team_id bigint references teams (id),
    user_id bigint references users (id),
    created_ms bigint not null,
    last4 text not null
);

-- credential is sealed under the master key key_id (supervisor/keys/vault.h).
create table provider_accounts (
    name text primary key,
    kind text not null,
    base_url text,
    credential text,
    key_id text,
    models text,
    extra text,
    created_ms bigint not null
);

-- One row per exchange. Columns as in shared/journal/record.def, null is "not known".
create table usage (
    request_id text primary key,
    started_ms bigint,
    key_id text,
    tenant bigint,
    team bigint,
    user_id bigint,
    operation text,
    dialect text,
    asked_model text,
    provider text,
    served_model text,
    streamed bigint,
    status bigint,
    outcome bigint,
    fault text,
    attempts bigint,
    input_tokens bigint,
    output_tokens bigint,
    cached_tokens bigint,
    cache_write_tokens bigint,
    reasoning_tokens bigint,
    audio_tokens bigint,
    first_byte_us bigint,
    duration_us bigint,
    request_bytes bigint,
    answer_bytes bigint,
    raw_usage text,
    host text,
    finish text
);
create index usage_started on usage (started_ms);

-- How far each journal file has been read into usage, host and file name make it unique.
create table journal_positions (
    file text primary key,
    position bigint not null,
    updated_ms bigint not null
);

create table meta (
    name text primary key,
    value text not null
);
