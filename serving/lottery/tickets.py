"""The unit list of a lottery as plain values, and the Merkle root that stands for it.

A leaf is one unit: its cell, its number, the minutes of its visit, its stratum and its inclusion probability in millionths.
So a firm can be shown its own leaf with an audit path, and nobody else's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from models.policy.lottery import CellTickets, Ticket
from serving.ledger.entries import canonical
from serving.ledger.merkle import leaf_hash, nodes_of, root


def in_list_order(cells: Iterable[CellTickets]) -> tuple[CellTickets, ...]:
    """Return cells and units in the order of their names: the one order in which a list is written down."""

    def unit_name(ticket: Ticket) -> str:
        return ticket.unit

    def cell_name(cell: CellTickets) -> str:
        return cell.cell

    ordered = []
    for cell in sorted(cells, key=cell_name):
        tickets = sorted(cell.tickets, key=unit_name)
        ordered.append(CellTickets(cell.cell, cell.minutes, tuple(tickets)))
    return tuple(ordered)


def list_root(cells: Iterable[CellTickets]) -> str:
    """Return the Merkle root over all units in the order of their names, in hex."""
    leaves = []
    for cell in in_list_order(cells):
        millionths = cell.millionths
        for ticket in cell.tickets:
            leaf = [cell.cell, ticket.unit, ticket.minutes, ticket.stratum, millionths]
            leaves.append(leaf_hash(canonical(leaf)))
    node, size = nodes_of(leaves)
    return root(node, size).hex()


def chances_of(cells: Iterable[CellTickets]) -> dict[str, int]:
    """Return by cell the inclusion probability of its units, in millionths."""
    return {cell.cell: cell.millionths for cell in cells}


def tickets_as_json(cells: Iterable[CellTickets]) -> list[dict[str, Any]]:
    """Return the list as JSON has it; a unit is its number, minutes and stratum."""
    plain = []
    for cell in in_list_order(cells):
        tickets = [[each.unit, each.minutes, each.stratum] for each in cell.tickets]
        plain.append(
            {
                "cell": cell.cell,
                "minutes": cell.minutes,
                "millionths": cell.millionths,
                "tickets": tickets,
            }
        )
    return plain


def tickets_of_json(plain: Sequence[Mapping[str, Any]]) -> tuple[CellTickets, ...]:
    """Return the list that `tickets_as_json` wrote; ValueError, KeyError or TypeError where it is none."""
    cells = []
    for cell in plain:
        tickets = [
            Ticket(str(unit), int(minutes), int(stratum))
            for unit, minutes, stratum in cell["tickets"]
        ]
        cells.append(CellTickets(str(cell["cell"]), int(cell["minutes"]), tuple(tickets)))
    return tuple(cells)
