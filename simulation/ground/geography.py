"""The ground: districts, cells with their teams, members with their hours, and public holidays."""

from __future__ import annotations

import numpy as np

from features.calendar import day_of
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Piece, Rows, piece
from simulation.ground.setting import NULL, Floats, Ints, Setting, stream

P = parameters("""
districts | 10 | districts | public | districts and county-level cities of Qingdao in 2015
rural_districts | 5 | districts | assumed | of these, the outer ones, where rural units are common
full_time_minutes | 1500 | minutes a week | assumed | time of a full-time inspector for visits
part_time_minutes | 600 | minutes a week | assumed | time of a part-time inspector for visits
assistant_minutes | 900 | minutes a week | assumed | time of an assistant for visits
turnover | .12 | a year | assumed | members who leave and are replaced
swapped | .04 | share | assumed | cells that change team with a neighbour in the middle
""")
OPENED = "2012-01-01"
# The public calendar's statutory days, the same every year, and the Spring Festival's first day (lunar calendar).
FIXED = ("01-01", "04-05", "05-01", "10-01", "10-02", "10-03")
SPRING = {
    2009: "01-25",
    2010: "02-13",
    2011: "02-02",
    2012: "01-22",
    2013: "02-09",
    2014: "01-30",
    2015: "02-18",
    2016: "02-07",
    2017: "01-27",
    2018: "02-15",
    2019: "02-04",
    2020: "01-24",
    2021: "02-11",
    2022: "01-31",
}


def district_of(setting: Setting, cells: Ints) -> Ints:
    """Return the district of each cell; the last ones are the outer districts."""
    return np.asarray(cells * int(P["districts"]) // setting.cells, dtype=np.int64)


def is_outer(setting: Setting, cells: Ints) -> Ints:
    """Return 1 for cells in the outer districts."""
    return (district_of(setting, cells) >= P["districts"] - P["rural_districts"]).astype(np.int64)


def centres(setting: Setting) -> tuple[Floats, Floats]:
    """Return longitude and latitude of the cells' centres in degrees."""
    chance = stream(setting, -1, 0, of="centres")
    district = district_of(setting, np.arange(setting.cells))
    east = 120.0 + 0.09 * (district % 5) + chance.normal(0, 0.03, setting.cells)
    north = 36.05 + 0.22 * (district // 3) + chance.normal(0, 0.03, setting.cells)
    return east, north


def ground(setting: Setting) -> Rows:
    """Return the rows of cells, teams, members and holidays."""
    return [
        ("cells", _cells(setting)),
        ("teams", _teams(setting)),
        ("members", _members(setting)),
        ("holidays", _holidays(setting)),
    ]


def _start(setting: Setting) -> int:
    return min(day_of(OPENED), setting.first_day - 180)


def _cells(setting: Setting) -> Piece:
    number = np.arange(setting.cells)
    start = np.full(setting.cells, _start(setting))
    first = piece(
        start, cell=number, since=start, district=district_of(setting, number), team=number
    )
    pairs = number[:-1:2][
        stream(setting, -1, 0, of="swap").random(len(number[:-1:2])) < P["swapped"] * 2
    ]
    moved = np.concatenate([pairs, pairs + 1])
    day = np.full(len(moved), setting.first_day + setting.months * 15)
    second = piece(
        day,
        cell=moved,
        since=day,
        district=district_of(setting, moved),
        team=np.concatenate([pairs + 1, pairs]),
    )
    return {name: np.concatenate([first[name], second[name]]) for name in first}


def _teams(setting: Setting) -> Piece:
    number = np.arange(setting.cells)
    start = np.full(setting.cells, _start(setting))
    return piece(start, team=number, since=start, district=district_of(setting, number))


def _posts(setting: Setting) -> tuple[Ints, Ints]:
    counts = [setting.scaled(name) for name in ("full_time", "part_time", "assistants")]
    counts[2] = max(counts[2], setting.cells - counts[0] - counts[1])
    return np.repeat(np.arange(3), counts), np.arange(sum(counts)) % setting.cells


def _members(setting: Setting) -> Piece:
    role, team = _posts(setting)
    chance = stream(setting, -1, 0, of="members")
    minutes = np.array(
        [P["full_time_minutes"], P["part_time_minutes"], P["assistant_minutes"]]
    ).astype(np.int64)[role]
    start = np.full(len(role), _start(setting))
    leaves = setting.first_day + chance.exponential(365 / P["turnover"], len(role)).astype(np.int64)
    gone = leaves < setting.until - 30
    columns = {"role": role, "team": team, "weekly_minutes": minutes}
    first = piece(start, member=np.arange(len(role)), started=start, ended=NULL, **columns)
    closing = {name: values[gone] for name, values in first.items()}
    closing |= {"ended": leaves[gone], "recorded_on": leaves[gone] + 3}
    heirs = {name: values[gone] for name, values in first.items()}
    heirs |= {
        "member": np.arange(gone.sum()) + len(role),
        "started": leaves[gone] + 14,
        "recorded_on": leaves[gone] + 14,
    }
    return {name: np.concatenate([first[name], closing[name], heirs[name]]) for name in first}


def _holidays(setting: Setting) -> Piece:
    years = range(setting.first // 12, setting.last // 12 + 1)
    off = [day_of(f"{year}-{day}") for year in years for day in FIXED]
    spring = [day_of(f"{year}-{SPRING[year]}") for year in years if year in SPRING]
    off += [day + k for day in spring for k in range(7)]
    worked = [day + k for day in spring for k in (-4, 9)]
    days = np.array(off + worked)
    flags = np.repeat([0, 1], [len(off), len(worked)])
    _, first = np.unique(days, return_index=True)
    known = np.full(len(first), _start(setting))
    return piece(known, holiday=days[first], worked=flags[first])
