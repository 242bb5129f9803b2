-- What is left of each person's limits, and of each address's. Unlogged: a row is worth
-- nothing a minute later, and a crash that empties the table gives nobody more than a minute's worth.

create unlogged table rates (
    kind    text             not null,
    who     text             not null,
    -- Of the limit, at this time; it fills up again within a minute.
    at      timestamptz      not null,
    rest    double precision not null,
    -- What the last one to ask was given.
    granted integer          not null,

    primary key (kind, who)
);
