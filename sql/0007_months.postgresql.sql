-- usage in partitions of a month, so that old ones go at once (supervisor/ledger/ledger_months.c makes and drops them).
-- Rows that were there, and those of months without a partition, are in usage_other. The key of a partitioned table must
-- have the column that parts it. A request's id and its time are made together, so it says the same.
update usage set started_ms = 0 where started_ms is null;
alter table usage rename to usage_other;
alter table usage_other drop constraint usage_pkey;
alter table usage_other add constraint usage_other_pkey primary key (request_id, started_ms);
alter index usage_started rename to usage_other_started;
alter index usage_chain rename to usage_other_chain;
create table usage (like usage_other) partition by range (started_ms);
alter table usage add constraint usage_pkey primary key (request_id, started_ms);
create index usage_started on usage (started_ms);
create index usage_chain on usage (chain, seq);
alter table usage attach partition usage_other default;

-- These rows are written again and again: room in their pages lets that happen without touching the index.
alter table usage_hourly set (fillfactor = 70);
alter table usage_daily set (fillfactor = 70);
