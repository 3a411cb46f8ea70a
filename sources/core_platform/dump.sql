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
    WHEN length(x) <= 11 THEN TRY_CAST(translate(rtrim(x, '日'), '/.年月', '----') AS DATE)
    ELSE CAST(TRY_CAST(replace(translate(x, '/年月', '---'), '日', '') AS TIMESTAMPTZ) AS DATE) END;
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
    ELSE coalesce(CAST(month_of(x) AS VARCHAR), '! ' || name || ' should be a month such as 201506') END;
CREATE MACRO as_fen(name, x) AS CASE WHEN x IS NULL THEN NULL
    WHEN TRY_CAST(amount(x) AS DECIMAL(24, 6)) = TRY_CAST(amount(x) AS DECIMAL(18, 2))
        THEN replace(CAST(TRY_CAST(amount(x) AS DECIMAL(18, 2)) AS VARCHAR), '.', '')
    ELSE '! ' || name || ' should be yuan with at most two decimals' END;
CREATE MACRO as_rounded(x) AS coalesce(CAST(CAST(round(TRY_CAST(number(x) AS DECIMAL(24, 6))) AS BIGINT) AS VARCHAR), x);
CREATE MACRO minus(x) AS '-' || ltrim(amount(x), '+-');
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
        FROM read_csv('${SOURCE}/codes.csv', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"'))
    GROUP BY ALL;

-- Events of enrolment: a closing takes its first day from the opening of the same relation, as far as that was known.
CREATE VIEW relations AS
    SELECT * REPLACE (CASE WHEN TRY_CAST(ended AS DATE) < TRY_CAST(started AS DATE) - 1 THEN '! AAE031 lies before AAC030' ELSE ended END
        AS ended)
    FROM (SELECT r.*, date_of(r.AAE036) AS known, state.ours AS state, scheme.ours AS scheme,
        CASE WHEN state.ours = 'opened' THEN coalesce(as_day('AAC030', r.AAC030), '! AC20 opens a relation without AAC030')
            ELSE coalesce(CAST(last_value(CASE WHEN state.ours = 'opened' THEN date_of(r.AAC030) END IGNORE NULLS) OVER (
                PARTITION BY as_id(r.AAZ159), as_id(r.AAC001), as_id(r.AAB001), plain(r.AAE140)
                ORDER BY date_of(r.AAE036), state.ours IS DISTINCT FROM 'opened', r.n ROWS UNBOUNDED PRECEDING) AS VARCHAR),
                as_day('AAC030', r.AAC030), '! AC20 closes a relation that was never opened') END AS started,
        CASE WHEN state.ours = 'ended' THEN coalesce(as_end('AAE031', r.AAE031), '! AC20 closes a relation without AAE031')
            WHEN state.ours = 'opened' THEN as_end('AAE031', r.AAE031)
            ELSE coalesce(as_code('AAC031', r.AAC031, state.ours), '! AAC031 is missing') END AS ended
        FROM AC20 AS r
        LEFT JOIN codes AS state ON state.list = 'AAC031' AND state.code = plain(r.AAC031)
        LEFT JOIN codes AS scheme ON scheme.list = 'AAE140' AND scheme.code = plain(r.AAE140));
