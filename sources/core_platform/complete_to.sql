-- The closed day where neither source.toml nor the dump's dump.toml names one: the latest day on which anything became known.
SELECT max(known) FROM (
    SELECT max(date_of(AAE036)) AS known FROM AB01
    UNION ALL SELECT max(date_of(AAE036)) FROM AB05
    UNION ALL SELECT max(date_of(AAE036)) FROM AC01
    UNION ALL SELECT max(date_of(AAE036)) FROM AC20
    UNION ALL SELECT max(date_of(AAE036)) FROM AC43
    UNION ALL SELECT max(date_of(AAB191)) FROM AC43
    UNION ALL SELECT max(date_of(AAE036)) FROM TAX_PAYROLL
    UNION ALL SELECT max(date_of(AAE036)) FROM TSJB
    UNION ALL SELECT max(date_of(AAE036)) FROM JCAJ
    UNION ALL SELECT max(date_of(AAE036)) FROM JCJL
    UNION ALL SELECT max(date_of(crte_time)) FROM SETL_D
    UNION ALL SELECT max(date_of(crte_time)) FROM FIXMEDINS_B
)
