-- Payroll as filed with the tax bureau.
SELECT 'TAX_PAYROLL' AS raw_table, n AS raw_row, as_id(AAB001) || ':' || coalesce(month_of(AAE003), DATE '1970-01-01') || tail(AAE036, n) AS row_id, as_day('AAE036', AAE036) AS recorded_on,
    coalesce(rounded('AAB001', AAB001), as_retracted('AAE100', AAE100)) AS retracted, as_id(AAB001) AS enterprise, as_month('AAE003', AAE003) AS month,
    as_whole(RS) AS employees, as_fen('GZ', GZ) AS payroll
FROM TAX_PAYROLL
