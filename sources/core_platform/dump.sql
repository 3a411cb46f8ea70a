-- What the views share. Every column of the dump arrives as text; `n` is the row's number in its file.
-- A value that is not what it should be becomes a text that begins with '! ': the row is refused and that text is the reason.

CREATE MACRO given(x) AS CASE WHEN upper(trim(x)) NOT IN ('', 'NULL', '\N', 'NAN') THEN trim(x) END;
CREATE MACRO digits(x) AS regexp_replace(given(x), '[.]0*$', '');
CREATE MACRO plain(x) AS coalesce(CAST(TRY_CAST(digits(x) AS BIGINT) AS VARCHAR), upper(digits(x)));
CREATE MACRO as_id(x) AS CASE WHEN regexp_full_match(given(x), '[0-9]+[.]0+') THEN digits(x) ELSE given(x) END;
CREATE MACRO as_whole(x) AS digits(x);

CREATE MACRO date_of(x) AS CASE
    WHEN regexp_full_match(digits(x), '[0-9]{8}([0-9]{6})?')
        THEN TRY_CAST(digits(x)[1:4] || '-' || digits(x)[5:6] || '-' || digits(x)[7:8] AS DATE)
    WHEN length(given(x)) <= 11 THEN TRY_CAST(translate(rtrim(given(x), '日'), '/.年月', '----') AS DATE)
    ELSE CAST(TRY_CAST(replace(given(x), '/', '-') AS TIMESTAMPTZ) AS DATE) END;
CREATE MACRO month_of(x) AS CASE
    WHEN regexp_full_match(digits(x), '[0-9]{6}') THEN TRY_CAST(digits(x)[1:4] || '-' || digits(x)[5:6] || '-01' AS DATE)
    WHEN regexp_full_match(given(x), '[0-9]{4}[-/.年][0-9]{1,2}月?')
        THEN TRY_CAST(translate(rtrim(given(x), '月'), '/.年', '---') || '-01' AS DATE)
    ELSE CAST(date_trunc('month', date_of(x)) AS DATE) END;
CREATE MACRO is_none(x) AS given(x) IS NULL OR regexp_full_match(digits(x), '0+');
CREATE MACRO is_open(x) AS is_none(x) OR digits(x)[1:4] = '9999';

CREATE MACRO as_day(name, x) AS CASE WHEN is_none(x) THEN NULL
    ELSE coalesce(CAST(date_of(x) AS VARCHAR), '! ' || name || ' should be a day such as 20150630') END;
CREATE MACRO as_end(name, x) AS CASE WHEN NOT is_open(x) THEN as_day(name, x) END;
CREATE MACRO as_month(name, x) AS CASE WHEN is_none(x) THEN NULL
    ELSE coalesce(CAST(month_of(x) AS VARCHAR), '! ' || name || ' should be a month such as 201506') END;
CREATE MACRO as_fen(name, x) AS CASE WHEN given(x) IS NULL THEN NULL
    WHEN TRY_CAST(given(x) AS DECIMAL(24, 6)) * CAST(100 AS DECIMAL(3, 0)) % 1 = 0
        THEN CAST(CAST(TRY_CAST(given(x) AS DECIMAL(24, 6)) * CAST(100 AS DECIMAL(3, 0)) AS BIGINT) AS VARCHAR)
    ELSE '! ' || name || ' should be yuan with at most two decimals' END;
CREATE MACRO as_rounded(x) AS coalesce(CAST(CAST(round(TRY_CAST(given(x) AS DECIMAL(24, 6))) AS BIGINT) AS VARCHAR), given(x));
CREATE MACRO minus(x) AS '-' || ltrim(given(x), '+-');
CREATE MACRO tail(x, n) AS '@' || coalesce(date_of(x), DATE '1970-01-01') || '#' || n;

CREATE MACRO unknown(list, x) AS '! unknown code ' || list || ' ' || left(plain(x), 12);
CREATE MACRO as_code(list, x, ours) AS CASE WHEN plain(x) IS NULL THEN NULL WHEN ours IS NULL THEN unknown(list, x)
    WHEN ours = 'refuse' THEN '! codes.csv leaves out ' || list || ' ' || plain(x) WHEN ours <> '-' THEN ours END;
CREATE MACRO as_retracted(list, x) AS CASE coalesce(plain(x), '1') WHEN '1' THEN '0' WHEN '0' THEN '1' ELSE unknown(list, x) END;

-- The code lists: a later line of codes.csv about the same code stands instead of an earlier one.
CREATE VIEW codes AS
    SELECT list, plain(code) AS code, arg_max(trim(ours), n) AS ours
    FROM (SELECT row_number() OVER () AS n, trim(list) AS list, code, ours
        FROM read_csv('${SOURCE}/codes.csv', header = true, all_varchar = true, delim = ',', quote = '"', escape = '"'))
    GROUP BY ALL;

-- Events of enrolment: a closing takes its first day from the opening of the same relation, as far as that was known.
CREATE VIEW relations AS
    SELECT r.*, date_of(r.AAE036) AS known, state.ours AS state, scheme.ours AS scheme,
        CASE WHEN state.ours = 'opened' AND NOT is_none(r.AAC030) THEN as_day('AAC030', r.AAC030)
            ELSE coalesce(CAST(last_value(CASE WHEN state.ours = 'opened' THEN date_of(r.AAC030) END IGNORE NULLS) OVER (
                PARTITION BY as_id(r.AAZ159), as_id(r.AAC001), as_id(r.AAB001), plain(r.AAE140)
                ORDER BY date_of(r.AAE036), state.ours IS DISTINCT FROM 'opened', r.n ROWS UNBOUNDED PRECEDING) AS VARCHAR),
                as_day('AAC030', r.AAC030), '! AC20 closes a relation that was never opened') END AS started,
        CASE WHEN state.ours = 'ended' THEN coalesce(as_end('AAE031', r.AAE031), '! AC20 closes a relation without AAE031')
            WHEN state.ours = 'opened' THEN as_end('AAE031', r.AAE031)
            ELSE coalesce(as_code('AAC031', r.AAC031, state.ours), '! AAC031 is missing') END AS ended
    FROM AC20 AS r
    LEFT JOIN codes AS state ON state.list = 'AAC031' AND state.code = plain(r.AAC031)
    LEFT JOIN codes AS scheme ON scheme.list = 'AAE140' AND scheme.code = plain(r.AAE140);
