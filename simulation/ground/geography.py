"""The map: districts, cells with their teams, team members with their weekly hours, and public holidays."""

from __future__ import annotations

import numpy as np

from features.calendar import day_of
from simulation.ground.draws import exponential_days, happens
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Piece, Rows, kept, piece
from simulation.ground.setting import NULL, Floats, Ints, Setting, stream

P = parameters("""
districts | 10 | districts | public | districts and county-level cities of Qingdao in 2015
rural_districts | 5 | districts | assumed | the outer ones among them, where rural units are common
full_time_minutes | 1500 | minutes a week | assumed | time that a full-time inspector has for visits
part_time_minutes | 600 | minutes a week | assumed | time that a part-time inspector has for visits
assistant_minutes | 900 | minutes a week | assumed | time that an assistant has for visits
turnover | .12 | a year | assumed | team members who leave and are replaced
swapped | .04 | share | assumed | cells that exchange teams with a neighbouring cell, halfway through the months
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
    first_outer = P["districts"] - P["rural_districts"]
    is_outside = district_of(setting, cells) >= first_outer
    return is_outside.astype(np.int64)


def centres(setting: Setting) -> tuple[Floats, Floats]:
    """Return longitude and latitude of the cells' centres in degrees."""
    chance = stream(setting, -1, 0, of="centres")
    cells = setting.cells
    district = district_of(setting, np.arange(cells))
    # districts lie on a grid, 5 from west to east; cells lie about 3 km (.03 degrees) around their district
    west_to_east, south_to_north = district % 5, district // 3
    east = 120.0 + 0.09 * west_to_east + chance.normal(0, 0.03, cells)
    north = 36.05 + 0.22 * south_to_north + chance.normal(0, 0.03, cells)
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
        start,
        cell=number,
        since=start,
        district=district_of(setting, number),
        team=number,
    )
    chance = stream(setting, -1, 0, of="swap")
    even = number[:-1:2]
    # a pair of neighbours swaps, so half as many pairs as cells are drawn, at twice the share
    swaps = even[happens(chance, P["swapped"] * 2, len(even))]
    moved = np.concatenate([swaps, swaps + 1])
    middle = setting.first_day + setting.months * 15
    day = np.full(len(moved), middle)
    second = piece(
        day,
        cell=moved,
        since=day,
        district=district_of(setting, moved),
        team=np.concatenate([swaps + 1, swaps]),
    )
    return _joined(first, second)


def _joined(*pieces: Piece) -> Piece:
    """Return pieces of the same columns one after the other."""
    columns: Piece = {}
    for name in pieces[0]:
        columns[name] = np.concatenate([part[name] for part in pieces])
    return columns


def _teams(setting: Setting) -> Piece:
    number = np.arange(setting.cells)
    start = np.full(setting.cells, _start(setting))
    return piece(start, team=number, since=start, district=district_of(setting, number))


def _posts(setting: Setting) -> tuple[Ints, Ints]:
    """Return the role and the team of each post; every team has one at least."""
    full_time, part_time = setting.scaled("full_time"), setting.scaled("part_time")
    teams_left = setting.cells - full_time - part_time
    assistants = max(setting.scaled("assistants"), teams_left)
    counts = [full_time, part_time, assistants]
    role = np.repeat(np.arange(3), counts)
    return role, np.arange(sum(counts)) % setting.cells


def _members(setting: Setting) -> Piece:
    role, team = _posts(setting)
    chance = stream(setting, -1, 0, of="members")
    count = len(role)
    by_role = [P["full_time_minutes"], P["part_time_minutes"], P["assistant_minutes"]]
    start = np.full(count, _start(setting))
    first = piece(
        start,
        member=np.arange(count),
        started=start,
        ended=NULL,
        role=role,
        team=team,
        weekly_minutes=np.array(by_role).astype(np.int64)[role],
    )
    mean_days = 365 / P["turnover"]
    last_day = setting.first_day + exponential_days(chance, mean_days, count)
    leaves = last_day < setting.until - 30
    ended = last_day[leaves]
    closings = kept(first, leaves) | {"ended": ended, "recorded_on": ended + 3}
    successors = kept(first, leaves) | {
        "member": count + np.arange(len(ended)),
        "started": ended + 14,
        "recorded_on": ended + 14,
    }
    return _joined(first, closings, successors)


def _holidays(setting: Setting) -> Piece:
    years = range(setting.first // 12, setting.last // 12 + 1)
    spring = [day_of(f"{year}-{SPRING[year]}") for year in years if year in SPRING]
    off, worked = [], []
    for year in years:
        off += [day_of(f"{year}-{day}") for day in FIXED]
    for first in spring:
        off += range(first, first + 7)
        # the weekend days that are worked in exchange, before and after the Festival
        worked += [first - 4, first + 9]
    days = np.array(off + worked)
    flags = np.repeat([0, 1], [len(off), len(worked)])
    # of a day that is there twice the first stays: a free day before a worked one
    _, places = np.unique(days, return_index=True)
    recorded = np.full(len(places), _start(setting))
    return piece(recorded, holiday=days[places], worked=flags[places])
