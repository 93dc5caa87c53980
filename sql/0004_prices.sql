-- What models cost, from a time on. provider is the name of an account or of a kind; origin is store (set by people) or
-- imported (of a price list, all of them replaced by the next one). price is JSON: rates and tiers (docs/prices.md).
create table prices (
    origin text not null,
    provider text not null,
    model text not null,
    from_ms bigint not null,
    price text not null,
    source text,
    updated_ms bigint not null,
    primary key (origin, provider, model, from_ms)
);
