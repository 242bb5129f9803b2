-- Documents that clients name by the SHA-256 hash of their text (automatic persisted
-- queries). They hold what is asked, never values or who asks: those are variables.

create table documents (
    hash    bytea       primary key check (length(hash) = 32),
    text    text        not null check (length(text) <= 20000),
    used_at timestamptz not null default now()
);

-- The longest unused are dropped first.
create index documents_used on documents (used_at);
