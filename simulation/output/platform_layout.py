"""The national core platform's tables as the city fills them: column, what it comes from, in which form or code."""

from __future__ import annotations

from dataclasses import dataclass

SCHEMES = "pension 110, medical 310, unemployment 210, injury 410, maternity 510, other 999"
ORIGINS = "routine 1, complaint 2, special 3, lottery 4, alert 5"
KINDS = "company 10, household 60, branch 76, agency 91, public 21, site 92, other 99"
OWNERS = "state 110, collective 120, private 170, hmt 210, foreign 310, other 150"

# Forms: day8 = YYYYMMDD, end8 = the same or 99991231, month6 = YYYYMM, yuan = two decimals, date = as a DATE, not = 1 - flag;
# else a list of codes. A column that comes from nothing is empty.
LAYOUT = f"""
AC01 | workers
  AAC001 | worker
  AAC004 |
  AAC005 |
  AAC006 | birth_year
  AAC009 | residence | urban 10, migrant 52, rural 20
  AAE036 | recorded_on | day8
  AAE100 | retracted | not

AC20 | enrolments
  AAZ159 | relation
  AAC001 | worker
  AAB001 | enterprise
  AAE140 | scheme | {SCHEMES}
  AAC031 | state
  AAC030 | started | day8
  AAE031 | ended | end8
  AAE160 |
  AAC013 |
  AAE036 | recorded_on | day8
  AAE100 | retracted | not

AC43 | contributions
  AAZ083 | row_id
  AAC001 | worker
  AAB001 | enterprise
  AAE140 | scheme | {SCHEMES}
  AAE002 | booked | month6
  AAE003 | month | month6
  AAA115 | kind | normal 10, back 31, refund 20
  AAE180 | base | yuan
  AAE020 | due_unit | yuan
  AAE022 | due_person | yuan
  AAE080 | paid_unit | yuan
  AAE082 | paid_person | yuan
  AAE078 | arrived
  AAB191 | paid_on | day8
  AAE036 | recorded_on | day8
  AAE100 | retracted | not

AC60 | pensions
  AAZ257 | claim
  AAC001 | worker
  AAE210 | started | day8
  JFGZ | rule
  AAE036 | recorded_on | day8
  AAE100 | retracted | not

JC_BENEFIT | unemployment_spells
  SLBH | claim
  AAC001 | worker
  AJC090 | started | day8
  AJC093 |
  AAE042 | ended | end8
  AAE036 | recorded_on | day8
  AAE100 | retracted | not

LC31 | work_injuries
  AAZ127 | claim
  AAC001 | worker
  AAB001 |
  ALC020 | happened_on | day8
  ALC031 | recognised_on | day8
  ALA015 | recognised | 1 1, 0 3
  ALA040 | grade
  AAE036 | recorded_on | day8
  AAE100 | retracted | not

DYSL | other_claims
  SLBH | claim
  AAC001 | worker
  AAB001 | enterprise
  AAE140 | scheme | {SCHEMES}
  SLRQ | filed_on | day8
  SLJE | amount | yuan
  JSZT | state
  AAE036 | recorded_on | day8
  AAE100 | retracted | not

FIXMEDINS_B | providers
  fixmedins_code | provider
  fixmedins_type | kind | hospital 1, pharmacy 2
  hosp_lv | level
  aprv_bed_cnt | beds
  RYS | staff
  ZDS | terminals
  WGBH | cell
  SXRQ | since | date
  begntime | started | date
  endtime | ended | date
  crte_time | recorded_on | date
  vali_flag | retracted | not

SETL_D | settlements
  setl_id | settlement
  init_setl_id | reversed
  psn_no | worker
  emp_no | enterprise
  insutype | scheme | {SCHEMES}
  mdtrt_id | claim
  fixmedins_code | provider
  med_type | inpatient | 0 11, 1 21
  begntime | admitted | date
  endtime | discharged | date
  setl_time | filed_on | date
  medfee_sumamt | amount | yuan
  fund_pay_sumamt |
  refd_setl_flag | retracted
  vali_flag | valid
  JSZT | state
  crte_time | recorded_on | date

FEE_LIST_D | medical_lines
  feedetl_sn | line
  init_feedetl_sn |
  setl_id | claim
  mdtrt_id | claim
  med_list_codg |
  XMLB | item_group
  cnt | quantity
  pric | price | yuan
  det_item_fee_sumamt | amount | yuan
  fee_ocur_time | used_on | date
  WGBH | cell
  crte_time | recorded_on | date
  vali_flag | retracted | not

TAX_PAYROLL | tax_payroll
  AAB001 | enterprise
  AAE003 | month | month6
  RS | employees
  GZ | payroll | yuan
  AAE036 | recorded_on | day8
  AAE100 | retracted | not

POWER | utilities
  AAB001 | enterprise
  AAE003 | month | month6
  KWH | kwh
  AAE036 | recorded_on | day8
  AAE100 | retracted | not

TSJB | complaints
  TSBH | complaint
  AAB001 | enterprise
  WGBH | cell
  TSRQ | lodged | day8
  TSSX | topic
  TSQD | channel
  AAE036 | recorded_on | day8
  AAE100 | retracted | not

JCAJ | inspections
  AJBH | inspection
  AAB001 | enterprise
  fixmedins_code | provider
  AJLY | kind | {ORIGINS}
  LARQ | opened | day8
  JARQ | closed_on | day8
  JCSX | examined
  JHFZ | planned_minutes
  FZ | spent_minutes
  XCRS | staff_on_site
  CQBH | draw
  GL | inclusion_probability
  AAE036 | recorded_on | day8
  AAE100 | retracted | not

JCWF | findings
  AJBH | inspection
  WFLX | violation
  WFRS | workers_in_violation
  ZRS | workers_total
  JE | amount | yuan
  AAE036 | recorded_on | day8
  AAE100 | retracted | not

JCCL | sanctions
  AJBH | inspection
  WFLX | violation
  CLLX | act
  CLRQ | decided_on | day8
  ZDSJ | grave
  LXRQ | complied_on | day8
  AAE036 | recorded_on | day8
  AAE100 | retracted | not

JCJL | claim_reviews
  setl_id | claim
  AJLY | chosen | {ORIGINS}
  GL | inclusion_probability
  FZ | minutes
  JARQ | closed_on | day8
  JG | outcome
  JE | amount | yuan
  AAE036 | recorded_on | day8
  AAE100 | retracted | not

AB01 | first_registered
  AAB001 | enterprise
  AAB019 | kind | {KINDS}
  AAB020 | ownership | {OWNERS}
  AAB022 | sector
  WGBH | cell
  AAE006 | address
  AAB013 | representative
  AAC301 | rural
  AAE047 | registered | day8
  ZJG | head_office
  JD | longitude
  WD | latitude
  JFZH | account
  AAE036 | recorded_on | day8

AB05 | changes
  AAB001 | enterprise
  AAE155 | item
  AAE123 | before
  AAE124 | after
  AAE035 | since | day8
  AAE036 | recorded_on | day8
"""
OWN = (
    "protected",
    "employment",
    "dispatch",
    "remedies",
    "wage_arrears",
    "appraisals",
    "medals",
    "exposures",
    "benefit_payments",
    "maternity_leaves",
    "deaths",
    "cells",
    "teams",
    "members",
    "holidays",
)
"""Contract tables that no table of the platform can carry whole; they stand in the dump under their own names."""


@dataclass(frozen=True, slots=True)
class PlatformColumn:
    """A column of the platform: what it comes from ('' = nothing), in which form, or by which codes."""

    name: str
    origin: str
    form: str
    codes: dict[str, str]


def platform_column(line: str) -> PlatformColumn:
    """Return the column that a line declares.

    >>> platform_column("AJLY | kind | routine 1, complaint 2").codes
    {'routine': '1', 'complaint': '2'}
    """
    parts = [part.strip() for part in line.split("|")]
    name, origin = parts[:2]
    form = parts[2] if len(parts) > 2 else ""
    if " " not in form:
        return PlatformColumn(name, origin, form, {})
    codes = {}
    for pair in form.split(","):
        word, code = pair.split()
        codes[word] = code
    return PlatformColumn(name, origin, "code", codes)


def layout() -> dict[str, tuple[str, tuple[PlatformColumn, ...]]]:
    """Return by table of the platform what its rows come from, and its columns."""
    tables: dict[str, tuple[str, tuple[PlatformColumn, ...]]] = {}
    for block in LAYOUT.strip().split("\n\n"):
        head, *lines = block.splitlines()
        name, _, origin = head.partition("|")
        columns = tuple(platform_column(line) for line in lines)
        tables[name.strip()] = (origin.strip(), columns)
    return tables
