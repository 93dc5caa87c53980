-- What an exchange cost and how that was found; what it was limited by. Money is in nanodollars, null is "nobody knows".
-- estimated: bits of what was counted by the gateway itself. tags: a JSON array. price, limits, tries, rooms, candidates: for people.
alter table usage add column tags text;
alter table usage add column cost_nano bigint;
alter table usage add column price text;
alter table usage add column estimated bigint;
alter table usage add column limits text;
alter table usage add column tries text;
alter table usage add column reserved_nano bigint;
alter table usage add column service text;
alter table usage add column image_tokens bigint;
alter table usage add column image_output_tokens bigint;
alter table usage add column searches bigint;
alter table usage add column cache_hit bigint;
alter table usage add column saved_nano bigint;
alter table usage add column rooms text;
alter table usage add column candidates text;
