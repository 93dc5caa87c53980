-- What was translated: the dialect that the provider was spoken to in (dialect is the client's), the members of the
-- request that it could not carry, and the counts that only some providers give.
alter table usage add column provider_dialect text;
alter table usage add column dropped text;
alter table usage add column cache_write_long_tokens bigint;
alter table usage add column audio_output_tokens bigint;
alter table usage add column tool_input_tokens bigint;
