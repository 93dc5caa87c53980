-- Which of its account's credentials served a request: its name or number; null where the account has one alone.
alter table usage add column credential text;
