"""Labour dispatch: agency workers who seem uncovered at their host, and whom their agency covers lawfully."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulation.ground.draws import happens, whole_numbers
from simulation.ground.parameters import parameters
from simulation.ground.pieces import Rows, piece
from simulation.ground.setting import NULL, Floats, Ints, Setting, Turn, stream
from simulation.labour.firms import AGENCY, Firms, city_numbers
from simulation.labour.staff import DISPATCHED, REGULAR, Jobs

P = parameters("""
host_from | 10 | persons | assumed | smallest staff of a unit that uses agency workers
hosts | .16 | share | assumed | units with ten staff and more that use agency workers
low | .08 | share | assumed | smallest share of a host's staff sent by an agency
high | .45 | share | assumed | largest share
unfiled | .15 | share | assumed | hosts whose dispatch agreement was never filed
padding | 1.1 | ratio | assumed | workers in the agreement, divided by workers sent
""")


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Who hosts: agency of each enterprise (-1 for none), share sent, day of agreement, filed or not."""

    agency: Ints
    share: Floats
    started: Ints
    filed: Ints


def begin_dispatch(setting: Setting, block: int, firms: Firms) -> Dispatch:
    """Return the dispatch agreements of one block."""
    chance = stream(setting, block, 0, of="dispatch")
    agencies = np.flatnonzero(firms.kind == AGENCY)
    count = len(firms.kind)
    may_host = (firms.size >= P["host_from"]) & (firms.kind != AGENCY)
    is_old = firms.registered < setting.first_day - 60
    hosts = may_host & happens(chance, P["hosts"], count) & is_old
    choices = agencies if len(agencies) else np.array([-1])
    agency = np.where(hosts, chance.choice(choices, count), -1)
    earlier = setting.first_day - 30 - chance.integers(0, 500, count)
    started = np.maximum(earlier, firms.registered + 1)
    share = chance.uniform(P["low"], P["high"], count)
    is_filed = chance.random(count) > P["unfiled"]
    return Dispatch(
        agency=agency,
        share=share,
        started=started,
        filed=whole_numbers(is_filed),
    )


def sent(chance: np.random.Generator, jobs: Jobs, dispatch: Dispatch) -> Jobs:
    """Return new jobs of which hosts' shares are held through the agency."""
    agency = dispatch.agency[jobs.firm]
    is_drawn = happens(chance, dispatch.share[jobs.firm], len(agency))
    moves = (agency >= 0) & is_drawn & (jobs.kind == REGULAR)
    return replace(
        jobs,
        firm=np.where(moves, agency, jobs.firm),
        host=np.where(moves, jobs.firm, jobs.host),
        kind=np.where(moves, DISPATCHED, jobs.kind),
    )


def hosted(jobs: Jobs, count: int) -> Ints:
    """Return the dispatched workers at each enterprise."""
    hosts = jobs.host[jobs.host >= 0]
    return np.bincount(hosts, minlength=count)


def agreements(turn: Turn, *, dispatch: Dispatch, jobs: Jobs) -> Rows:
    """Return agreement rows: all of them in the first month, the new numbers of workers each January."""
    is_first = turn.month == turn.setting.first
    if not is_first and turn.month % 12 != 0:
        return []
    chance = turn.stream("agreements")
    has_agreement = (dispatch.agency >= 0) & (dispatch.filed == 1)
    hosts = np.flatnonzero(has_agreement)
    workers = hosted(jobs, len(dispatch.agency))[hosts]
    started = dispatch.started[hosts]
    delay = chance.integers(5, 60, len(hosts))
    # a renewal is recorded sooner than a new agreement
    recorded = started + delay if is_first else turn.day + delay // 2
    rows = piece(
        recorded,
        enterprise=city_numbers(turn.block, hosts),
        agency=city_numbers(turn.block, dispatch.agency[hosts]),
        workers=whole_numbers(np.ceil(workers * P["padding"])),
        started=started,
        ended=NULL,
    )
    return [("dispatch", rows)]
