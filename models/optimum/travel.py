"""Travel within a cell: minutes added to each visit, and the order in which a list is visited."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from models.optimum.city_rules import Travel

Place = tuple[float, float]
"""Longitude and latitude in degrees."""
KM_PER_DEGREE = 111.2
"""Kilometres of one degree of latitude: the earth's circumference of 40,030 km over 360."""


def centre(places: Sequence[Place]) -> Place | None:
    """Return the median longitude and latitude, which a few wrong coordinates do not move; None of no places.

    >>> centre([(120.0, 36.0), (120.2, 36.1), (0.0, 0.0)])
    (120.0, 36.0)
    """
    if not places:
        return None
    longitudes, latitudes = zip(*places, strict=True)
    return median(longitudes), median(latitudes)


def kilometres(one: Place, other: Place) -> float:
    """Return the distance in a straight line, on a plane that touches the earth there.

    >>> round(kilometres((120.0, 36.0), (120.0, 36.1)), 2)
    11.12
    """
    middle = math.radians((one[1] + other[1]) / 2)
    east = (one[0] - other[0]) * math.cos(middle)
    north = one[1] - other[1]
    return KM_PER_DEGREE * math.hypot(east, north)


def travel_minutes(places: Sequence[Place | None], rule: Travel) -> list[int]:
    """Return the minutes on the road that each visit of a cell adds, by the distance to the cell's centre.

    A unit without coordinates takes the median of the others, so that a gap in the register is no advantage.
    """
    in_place = [place for place in places if place is not None]
    middle = centre(in_place)
    if middle is None:
        return [0] * len(places)
    minutes_of = {place: _minutes(kilometres(place, middle), rule) for place in in_place}
    usual = int(median(minutes_of[place] for place in in_place))
    return [usual if place is None else minutes_of[place] for place in places]


def _minutes(distance: float, rule: Travel) -> int:
    return min(rule.most, round(distance * rule.minutes_per_km))


def visiting_order(places: Sequence[Place | None]) -> list[int]:
    """Return the order, by number in the list, in which its visits make a short round; those without coordinates last.

    The round begins and ends at the centre of the visits: always on to the nearest, then crossings are undone (2-opt).
    Equal distances are settled by the order of the list.
    """
    somewhere = [number for number, place in enumerate(places) if place is not None]
    nowhere = [number for number, place in enumerate(places) if place is None]
    points = [place for place in places if place is not None]
    middle = centre(points)
    if middle is None:
        return nowhere
    stops = _uncrossed(_nearest_next([middle, *points]), [middle, *points])
    return [somewhere[stop - 1] for stop in stops] + nowhere


def _nearest_next(points: Sequence[Place]) -> list[int]:
    """Return all points but the first, each the nearest to the one before."""
    ahead = set(range(1, len(points)))
    here = 0
    stops: list[int] = []
    while ahead:
        here = min(ahead, key=lambda stop: (kilometres(points[here], points[stop]), stop))
        ahead.remove(here)
        stops.append(here)
    return stops


def _uncrossed(stops: list[int], points: Sequence[Place]) -> list[int]:
    """Return a round that no reversal of a part makes shorter by more than a metre."""
    metre = (
        0.001  # less than a metre is rounding, and would let two equal rounds alternate for ever
    )
    shorter = True
    while shorter:
        shorter = False
        for first in range(len(stops) - 1):
            for last in range(first + 1, len(stops)):
                if _saved(stops, points, first, last) > metre:
                    stops = stops[:first] + stops[first : last + 1][::-1] + stops[last + 1 :]
                    shorter = True
    return stops


def _saved(stops: Sequence[int], points: Sequence[Place], first: int, last: int) -> float:
    """Return the kilometres that a round is shorter by where the stops from `first` to `last` are reversed."""
    before = points[stops[first - 1]] if first else points[0]
    after = points[stops[last + 1]] if last + 1 < len(stops) else points[0]
    begin = points[stops[first]]
    end = points[stops[last]]
    today = kilometres(before, begin) + kilometres(end, after)
    reversed_part = kilometres(before, end) + kilometres(begin, after)
    return today - reversed_part
