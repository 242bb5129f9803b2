-- Search: the words of each message, kept by the database itself, so that they are
-- always those of the text as it is now.

-- Letters as they are compared: accents and case aside. The collation that knows
-- the case of every letter goes by another name in older servers; where there is
-- none, the database's own has to do.
do $$
begin
    execute format($function$
        create function search_fold(content text) returns text
        language sql immutable strict parallel safe
        return case
            when octet_length(content) = char_length(content) then lower(content collate "C")
            else normalize(
                regexp_replace(
                    replace(replace(replace(
                        translate(
                            lower(normalize(content, NFKD) collate %I),
                            'øłđðħŧıſς', 'olddhtisσ'),
                        'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe') collate "C",
                    -- Marks of Latin, Greek and Cyrillic, Hebrew points, Arabic vowels; what is
                    -- not seen at all: soft hyphens, joiners, variation selectors.
                    '[\u00AD\u0300-\u036F\u0591-\u05BD\u05BF\u05C1\u05C2\u05C4\u05C5\u05C7\u064B-\u065F\u0670\u200B-\u200D\u2060\uFE00-\uFE0F\uFEFF]',
                    '', 'g'),
                NFKC)
        end
    $function$,
    coalesce(
        (select collname
           from pg_collation
          where collname in ('pg_c_utf8', 'und-x-icu')
          order by collname
          limit 1),
        'default'));
end
$$;

-- The words of a text, in order. What is neither a letter nor a digit lies between
-- words. Scripts that put no spaces between theirs (Chinese, Japanese, Thai, Lao,
-- Burmese, Khmer) have every character for a word: neighbours find them again.
create function search_words(content text) returns text[]
language sql immutable strict parallel safe
return array(
    select left(word, 60)
      from regexp_split_to_table(
            regexp_replace(
                search_fold(content) collate "C",
                '([\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u3005-\u3007\u3040-\u30FF\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\U00020000-\U0003FFFF])',
                ' \1 ', 'g'),
            '[\u0001-\u002F\u003A-\u0040\u005B-\u0060\u007B-\u00A9\u00AB-\u00B1\u00B4\u00B6-\u00B8\u00BB\u00BF\u00D7\u00F7\u02C2-\u02DF\u037E\u0387\u055A-\u055F\u0589\u058A\u05BE\u05C0\u05C3\u05C6\u05F3\u05F4\u060C\u061B-\u061F\u066A-\u066D\u06D4\u0964\u0965\u1680\u180E\u2000-\u209F\u20A0-\u2BFF\u2E00-\u2E7F\u3000-\u3004\u3008-\u3020\u3030\u303D\u30FB\uD7FC-\uF8FF\uFE10-\uFE6F\uFF00-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40\uFF5B-\uFF65\uFFE0-\uFFFF\U0001D000-\U0001D3FF\U0001F000-\U0001FAFF\U000E0000-\U0010FFFF]+')
           as word
     where word <> ''
     limit 16383
);

-- A channel in eight characters. Two that share them share no messages: whoever uses
-- them asks for the channel itself as well.
create function search_scope(channel_id uuid) returns text
language sql immutable strict parallel safe
return encode(substring(uuid_send(channel_id) from 11), 'base64');

-- What a message can be found by: each of its words, its sender, and whether it carries
-- a file, all as this channel's own. So a search touches what was said where the viewer
-- may read, and what is said elsewhere neither slows it nor shows in the time it takes.
create function search_vector(channel_id uuid, sender_id text, has_attachment boolean, content text)
returns tsvector language sql immutable strict parallel safe
return (
    select case
        when count(*) = 0 then ''::tsvector
        else (
            string_agg(format('''%s%s'':%s', search_scope(channel_id), word, number), ' ')
            || format(' ''%s@%s''', search_scope(channel_id), sender_id)
            || case when has_attachment then format(' ''%s#''', search_scope(channel_id)) else '' end
        )::tsvector
    end
      from unnest(search_words(content)) with ordinality as each (word, number)
);

alter table messages
    add column has_attachment boolean not null default false;

update messages
   set has_attachment = true
 where id in (select message_id from attachments);

alter table messages
    add column vector tsvector generated always as (
        case when content_type <> 'SYSTEM'
             then search_vector(channel_id, sender_id, has_attachment, content)
        end
    ) stored;

create function message_has_attachment() returns trigger
language plpgsql as $$
begin
    update messages
       set has_attachment = true
     where id = new.message_id
       and not has_attachment;
    return null;
end
$$;

create trigger attachments_attached
    after insert or update of message_id on attachments
    for each row when (new.message_id is not null)
    execute function message_has_attachment();

-- Words that are rare where the viewer may read. Without a list of what is to be put in
-- order later: a search asks once for each channel, and each time would go through all of it.
create index messages_vector on messages using gin (vector) with (fastupdate = off);
-- Words that are common: from the newest message back, until a page is full.
create index messages_newest on messages (created_at, id);
