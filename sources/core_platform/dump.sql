-- What the views share. Every column of the dump arrives as text, blanks around it and words like NULL taken away; `n` is the
-- row's number in its files. A value that is not what it should be becomes a text that begins with '! ': the row is refused and
-- that text is the reason.

CREATE MACRO digits(x) AS CASE WHEN contains(x, '.') THEN regexp_replace(x, '[.]0*$', '') ELSE x END;
CREATE MACRO plain(x) AS upper(regexp_replace(digits(x), '^[+]?0*([0-9]+)$', '\1'));
CREATE MACRO number(x) AS CASE WHEN contains(x, ',') AND regexp_full_match(x, '[+-]?[0-9]{1,3}(,[0-9]{3})+([.][0-9]*)?')
    THEN replace(x, ',', '') ELSE x END;
CREATE MACRO amount(x) AS CASE WHEN strlen(x) > length(x)
        AND regexp_full_match(x, '[+-]?([¥￥] *)?[+-]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)([.][0-9]*)? *元?')
    THEN regexp_replace(x, '[¥￥元, ]', '', 'g') ELSE number(x) END;
-- A cast takes more than numbers and days (1_000, epoch): only a text that looks like one is cast, and is rounded once.
CREATE MACRO is_number(x) AS regexp_full_match(x, '[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?');
CREATE MACRO number_of(x) AS CASE WHEN is_number(x) THEN TRY_CAST(x AS DECIMAL(24, 6)) END;
CREATE MACRO is_none(x) AS x IS NULL OR regexp_full_match(x, '0[0:/. T-]*');
CREATE MACRO as_id(x) AS CASE WHEN contains(x, '.') AND regexp_full_match(x, '[0-9]+[.]0+') THEN digits(x)
    WHEN ends_with(x, 'x') AND regexp_full_match(x, '[0-9]{17}x') THEN upper(x) ELSE x END;
CREATE MACRO as_whole(x) AS digits(number(x));
CREATE MACRO rounded(name, x) AS CASE WHEN contains(x, '+') AND regexp_full_match(x, '[0-9]([.][0-9]+)?[eE][+][0-9]+')
    THEN '! ' || name || ' was rounded to a power of ten: export it as text' END;

CREATE MACRO reverses(first, own) AS NOT is_none(first) AND as_id(first) IS DISTINCT FROM as_id(own);

CREATE MACRO date_of(x) AS CASE
    WHEN regexp_full_match(digits(x), '[0-9]{8}([ T]?[0-9]{2}:?[0-9]{2}(:?[0-9]{2}([.]?[0-9]+)?)?)?')
        THEN TRY_CAST(digits(x)[1:4] || '-' || digits(x)[5:6] || '-' || digits(x)[7:8] AS DATE)
    WHEN length(x) <= 11 AND regexp_full_match(x, '[0-9]{4}[-/.年 ][0-9]{1,2}[-/.月 ][0-9]{1,2}日?')
        THEN TRY_CAST(translate(rtrim(x, '日'), '/.年月', '----') AS DATE)
    WHEN regexp_full_match(x, '[0-9]{4}[-/年 ][0-9]{1,2}[-/月 ][0-9]{1,2}日?[ T]+[0-9][^(]*')
        THEN CAST(TRY_CAST(replace(translate(x, '/年月', '---'), '日', '') AS TIMESTAMPTZ) AS DATE) END;
CREATE MACRO month_of(x) AS CASE
    WHEN regexp_full_match(digits(x), '(1[89]|2[01])[0-9]{4}') THEN TRY_CAST(digits(x)[1:4] || '-' || digits(x)[5:6] || '-01' AS DATE)
    WHEN regexp_full_match(x, '[0-9]{4}([-/年][0-9]{1,2}月?|[.]([0-9]{2}|[2-9]))') THEN TRY_CAST(translate(rtrim(x, '月'), '/.年', '---') || '-01' AS DATE)
    WHEN regexp_matches(x, '^[0-9]{4}') THEN CAST(date_trunc('month', date_of(x)) AS DATE) END;
-- No day at all is also what other databases write for none: the first of the years 1 and 1900, and 1899-12-30.
CREATE MACRO no_day(x) AS x IS NULL OR regexp_full_match(x,
    '0[0:/. T-]*|((0001|1900)[-/.年]?0?1[-/.月]?0?1|1899[-/.年]?12[-/.月]?30)日?([ T.].*)?');
CREATE MACRO is_open(x) AS no_day(x) OR regexp_full_match(x,
    '(9999|2999).*|(2099|2[1-9][0-9]{2}|[3-9][0-9]{3})[-/.年]?[01]?[0-9]([-/.月]?[0-3]?[0-9])?[月日]?([ T.].*)?');
CREATE MACRO told(x) AS CASE WHEN starts_with(x, '! ') THEN x END;

CREATE MACRO as_day(name, x) AS CASE WHEN no_day(x) THEN NULL
    ELSE coalesce(CAST(date_of(x) AS VARCHAR), told(x), '! ' || name || ' should be a day such as 20150630') END;
CREATE MACRO as_end(name, x) AS CASE WHEN NOT is_open(x) THEN as_day(name, x) END;
CREATE MACRO as_month(name, x) AS CASE WHEN is_none(x) THEN NULL
    ELSE coalesce(CAST(month_of(x) AS VARCHAR), told(x), '! ' || name || ' should be a month such as 201506') END;
CREATE MACRO as_fen(name, x) AS CASE WHEN x IS NULL THEN NULL
    WHEN number_of(amount(x)) = TRY_CAST(amount(x) AS DECIMAL(18, 2))
        THEN replace(CAST(TRY_CAST(amount(x) AS DECIMAL(18, 2)) AS VARCHAR), '.', '')
    ELSE coalesce(told(x), '! ' || name || ' should be yuan with at most two decimals') END;
CREATE MACRO as_rounded(x) AS coalesce(CASE WHEN is_number(number(x)) THEN CAST(TRY_CAST(number(x) AS DECIMAL(38, 0)) AS VARCHAR) END, x);
CREATE MACRO minus(x) AS coalesce(told(x), '-' || ltrim(amount(x), '+-'));
-- An address is free text in which blanks of any kind part the words, line breaks too: one plain blank stands for them.
CREATE MACRO as_address(x) AS as_id(regexp_replace(x, '[\s\x{00A0}\x{3000}]+', ' ', 'g'));
-- The day on which a row of AB05 says that a unit closed: AAE124 if it is a day, else that of the change; '' where it
-- takes a closing away (no day after one, or an end that is open; `again`: an earlier closing was known, and no state
-- before is given). What is neither day nor code stays, to be refused.
CREATE MACRO closing_of(before, after, since, again) AS CASE
    WHEN NOT is_open(after) AND (date_of(after) IS NOT NULL OR regexp_matches(after, '[0-9]{4}')) THEN after
    WHEN is_open(after) AND (date_of(before) IS NOT NULL OR length(after) > 1) THEN ''
    WHEN is_open(after) AND plain(before) IS NULL AND again THEN ''
    ELSE CAST(since AS VARCHAR) END;
CREATE MACRO tail(x, n) AS '@' || coalesce(date_of(x), DATE '1970-01-01') || '#' || n;

CREATE MACRO unknown(list, x) AS '! unknown code ' || list || ' ' || left(plain(x), 12);
CREATE MACRO as_code(list, x, ours) AS CASE WHEN plain(x) IS NULL THEN NULL WHEN ours IS NULL THEN unknown(list, x)
    WHEN ours = 'refuse' THEN '! codes.csv leaves out ' || list || ' ' || plain(x) WHEN ours <> '-' THEN ours END;
CREATE MACRO as_retracted(list, x) AS
    CASE coalesce(plain(x), '1') WHEN '1' THEN '0' WHEN 'TRUE' THEN '0' WHEN '0' THEN '1' WHEN 'FALSE' THEN '1' ELSE unknown(list, x) END;

-- The code lists: a later line of codes.csv about the same code stands instead of an earlier one.
CREATE VIEW codes AS
    SELECT list, plain(code) AS code, arg_max(trim(ours), n) AS ours
    FROM (SELECT row_number() OVER () AS n, trim(list) AS list, trim(code) AS code, ours
        FROM csv('${SOURCE}/codes.csv'))
    GROUP BY ALL;

-- What rows of one key have told so far (see "状态表" in README.md): a row that tells of the end, if there is one,
-- outranks those that do not, whenever it was handled; of two alike the later handled does; what it leaves empty stands
-- as the others told it. A row that takes its key back ends an `era`: nothing told before it stands.
CREATE MACRO is_sound(known, given) AS known IS NOT NULL
    AND len(list_filter(given, lambda x: starts_with(x, '! '))) = 0;
CREATE MACRO rank_of(sound, ends, known, n) AS CASE WHEN sound THEN row(ends, known, n) END;
CREATE MACRO era_of(key, back, known, n) AS count(*) FILTER (WHERE back = '1') OVER (
    PARTITION BY key ORDER BY known, n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING);
CREATE MACRO stands(x, key, era, known, rank) AS CASE WHEN rank IS NULL THEN x
    ELSE arg_max(x, rank) FILTER (WHERE x IS NOT NULL) OVER (PARTITION BY key, era ORDER BY known) END;

CREATE MACRO examines(types, one) AS CASE WHEN len(types) > 0
    THEN CAST(CAST(list_contains(types, one) AS INTEGER) AS VARCHAR) END;

-- The first day of the spell that a closing ends, of those that its relation opened on the days `firsts`: the one it
-- names, else the latest that had begun before its day, else the one of its day, else one cancelled before it began;
-- where there is none, the closing stands for itself. `lasts` are the days on which the relation was closed.
CREATE MACRO begun_before(day, firsts) AS list_reverse_sort(list_filter(firsts, lambda x: x < day))[1];
CREATE MACRO is_named(said, last, firsts) AS coalesce(said <> last AND list_contains(firsts, said), false);
CREATE MACRO spell_of(said, last, firsts, lasts) AS CASE
    WHEN is_named(said, last, firsts) THEN CASE WHEN said <= last + 1 THEN said END
    WHEN list_contains(firsts, last) AND (begun_before(last, firsts) IS NULL
            OR len(list_filter(lasts, lambda x: x >= begun_before(last, firsts) - 1 AND x < last)) > 0) THEN last
    ELSE coalesce(begun_before(last, firsts), CASE WHEN said < last THEN said END,
        CASE WHEN list_contains(firsts, last + 1) THEN last + 1 END, CASE WHEN said <= last + 1 THEN said END) END;

-- Events of enrolment, each with why it is none.
CREATE VIEW relation_events AS
    SELECT r.*, date_of(r.AAE036) AS known, as_day('AAE036', r.AAE036) AS day, scheme.ours AS scheme,
        coalesce(state.ours = 'opened', false) AS opens, as_retracted('AAE100', r.AAE100) AS retracted,
        date_of(r.AAC030) AS first, CASE WHEN NOT is_open(r.AAE031) THEN date_of(r.AAE031) END AS last,
        CASE WHEN state.ours IS NULL OR state.ours NOT IN ('opened', 'ended')
                THEN coalesce(as_code('AAC031', r.AAC031, state.ours), '! AAC031 is missing')
            WHEN told(as_end('AAE031', r.AAE031)) IS NOT NULL THEN as_end('AAE031', r.AAE031)
            WHEN state.ours = 'ended' AND is_open(r.AAE031) THEN '! AC20 closes a relation without AAE031'
            WHEN state.ours = 'opened' AND no_day(r.AAC030) THEN '! AC20 opens a relation without AAC030'
            WHEN told(as_day('AAC030', r.AAC030)) IS NOT NULL THEN as_day('AAC030', r.AAC030)
            WHEN state.ours = 'opened' AND last < first - 1 THEN '! AAE031 lies before AAC030' END AS strange
    FROM AC20 AS r
    LEFT JOIN codes AS state ON state.list = 'AAC031' AND state.code = plain(r.AAC031)
    LEFT JOIN codes AS scheme ON scheme.list = 'AAE140' AND scheme.code = plain(r.AAE140);

-- Spells of cover as known day by day: what stands on a day depends on which events were handled by then, not on their
-- order. A row alone, or an opening and its closing, are read as they stand; the others (`tangled`) day by day.
CREATE VIEW relations AS
WITH related AS MATERIALIZED (
    SELECT *, count(*) OVER relation = 1 OR coalesce(count(*) OVER relation = 2 AND count(*) FILTER (opens) OVER relation = 1
            AND bool_and(strange IS NULL AND known IS NOT NULL AND retracted = '0') OVER relation
            AND max(last) FILTER (opens) OVER relation IS NULL
            AND max(last) FILTER (NOT opens) OVER relation >= max(first) FILTER (opens) OVER relation
            AND (max(known) FILTER (opens) OVER relation <= max(known) FILTER (NOT opens) OVER relation
                OR max(first) FILTER (opens) OVER relation = max(first) FILTER (NOT opens) OVER relation), false) AS plainly,
        max(first) FILTER (opens) OVER by_day AS opened, max(last) FILTER (NOT opens) OVER by_day AS closed,
        arg_max(AAC013, NOT opens) FILTER (AAC013 IS NOT NULL) OVER by_day AS work
    FROM relation_events
    WINDOW relation AS (PARTITION BY as_id(AAZ159), as_id(AAC001), as_id(AAB001), coalesce(scheme, plain(AAE140))),
        by_day AS (PARTITION BY as_id(AAZ159), as_id(AAC001), as_id(AAB001), coalesce(scheme, plain(AAE140)) ORDER BY known)
), tangled AS MATERIALIZED (
    SELECT concat_ws(chr(31), as_id(AAZ159), as_id(AAC001), as_id(AAB001), coalesce(scheme, plain(AAE140))) AS relation,
        n, known, opens, first, last, retracted = '1' AS back, AAC013
    FROM related WHERE NOT plainly AND strange IS NULL AND known IS NOT NULL AND retracted IN ('0', '1')
), steps AS (
    SELECT relation, known AS step, max(n) AS cause FROM tangled GROUP BY ALL
), seen AS MATERIALIZED (
    SELECT step, tangled.* FROM steps JOIN tangled ON tangled.relation = steps.relation AND known <= step
), told_of AS (
    SELECT relation, step, list(DISTINCT first) FILTER (opens AND NOT back) AS firsts,
        list(last) FILTER (NOT opens AND NOT back) AS lasts
    FROM seen GROUP BY ALL
), aimed AS MATERIALIZED (
    SELECT seen.*, CASE WHEN opens THEN first ELSE spell_of(first, last, firsts, lasts) END AS spell
    FROM seen JOIN told_of USING (relation, step)
), undone AS (
    SELECT r.relation, r.n, min(taker.known) AS undone_on
    FROM aimed AS taker JOIN aimed AS r ON r.relation = taker.relation AND r.spell = taker.spell AND r.step = taker.known
    WHERE taker.back AND taker.step = taker.known AND NOT r.back AND (taker.known, taker.n) > (r.known, r.n)
    GROUP BY ALL
), standing AS MATERIALIZED (
    SELECT seen.* FROM seen LEFT JOIN undone USING (relation, n)
    WHERE NOT back AND (undone_on IS NULL OR undone_on > step)
), told_now AS (
    SELECT relation, step, list(DISTINCT first) FILTER (opens) AS firsts, list(last) FILTER (NOT opens) AS lasts
    FROM standing GROUP BY ALL
), placed AS MATERIALIZED (
    SELECT standing.*, CASE WHEN opens THEN first ELSE spell_of(first, last, firsts, lasts) END AS spell,
        NOT opens AND NOT is_named(first, last, firsts) AS loose
    FROM standing JOIN told_now USING (relation, step)
), spells AS (
    SELECT relation, step, spell, arg_max(last, (NOT opens, known, n)) AS closed,
        arg_max(AAC013, (NOT opens, known, n)) FILTER (AAC013 IS NOT NULL) AS work
    FROM placed WHERE spell IS NOT NULL GROUP BY ALL
), closed_later AS (
    SELECT s.relation, s.step, s.spell, min(p.last) AS closed
    FROM spells AS s JOIN placed AS p ON p.relation = s.relation AND p.step = s.step AND p.loose AND p.spell > s.spell
    GROUP BY ALL
), days AS (
    SELECT steps.relation, steps.step, cause, first_steps.spell
    FROM steps JOIN (SELECT relation, spell, min(step) AS first_step FROM spells GROUP BY ALL) AS first_steps
        ON first_steps.relation = steps.relation AND steps.step >= first_step
), states AS MATERIALIZED (
    SELECT d.relation, d.step, d.cause, d.spell, s.spell IS NULL AS gone, coalesce(s.closed, l.closed) AS closed, s.work
    FROM days AS d LEFT JOIN spells AS s USING (relation, step, spell) LEFT JOIN closed_later AS l USING (relation, step, spell)
    WINDOW by_step AS (PARTITION BY d.relation, d.spell ORDER BY d.step)
    QUALIFY row(gone, coalesce(s.closed, l.closed), s.work)
            IS DISTINCT FROM lag(row(gone, coalesce(s.closed, l.closed), s.work)) OVER by_step
        OR lag(d.step) OVER by_step IS NULL
), unplaced AS (
    SELECT relation, n, bool_and(spell IS NULL) AS never, bool_or(back) AS back FROM aimed GROUP BY ALL
), read AS (
    SELECT n, known AS step, opens, retracted = '1' AS back, CASE WHEN opens THEN first ELSE coalesce(opened, first) END AS spell,
        first, CASE WHEN opens THEN coalesce(closed, last) ELSE last END AS ended, work, strange, '' AS apart
    FROM related WHERE plainly OR strange IS NOT NULL OR known IS NULL OR retracted NOT IN ('0', '1')
    UNION ALL
    SELECT cause, step, true, gone, spell, NULL, closed, work, NULL, ':' || spell FROM states
    UNION ALL
    SELECT n, known, opens, true, coalesce(spell, first), first, last, NULL, NULL, '' FROM aimed
    ANTI JOIN states ON states.relation = aimed.relation AND states.step = aimed.step AND states.spell = aimed.spell
    WHERE back AND step = known
    UNION ALL
    SELECT n, min(step), false, false, NULL, first, last, NULL,
        CASE WHEN count(firsts) > 0 OR first IS NOT NULL THEN '! AAE031 lies before AAC030' END, ''
    FROM aimed JOIN told_of USING (relation, step) WHERE NOT back
    GROUP BY relation, n, first, last HAVING bool_and(spell IS NULL)
)
SELECT as_id(AAZ159) || tail(CASE WHEN apart = '' THEN AAE036 ELSE CAST(step AS VARCHAR) END, n) || apart AS row_id,
    CASE WHEN apart = '' THEN day ELSE CAST(step AS VARCHAR) END AS day,
    CASE WHEN apart <> '' OR retracted = '0' THEN CAST(CAST(back AS INTEGER) AS VARCHAR) ELSE retracted END AS retracted,
    AAZ159, AAC001, AAB001, AAE140, scheme, work, n,
    coalesce(read.strange, CAST(spell AS VARCHAR), as_day('AAC030', AAC030),
        '! AC20 closes a relation that was never opened') AS started,
    CASE WHEN read.ended < spell - 1 THEN '! AAE031 lies before AAC030' ELSE CAST(read.ended AS VARCHAR) END AS ended
FROM read JOIN (SELECT n, AAZ159, AAC001, AAB001, AAE140, AAE036, AAC030, day, retracted, scheme FROM related) USING (n);
