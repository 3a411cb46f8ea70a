"""A plan on paper: a CSV for each team, and one page to print with the list of every cell, in both languages."""

from __future__ import annotations

import csv
import io
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from features.files import asked_folder, write_text
from features.ingest.directory import Directory
from models.bundle.interval import number_line
from models.policy.plan_text import WHY_WORDS, heading_lines, remarks
from models.policy.plan_unit import KINDS

COLUMNS = {
    "cell": "网格 cell",
    "stop": "路线 stop",
    "position": "次序 position",
    "unit": "企业 enterprise",
    "why": "原因 why",
    "minutes": "计划分钟 minutes",
    "needed_minutes": "所需分钟 needed",
    "travel_minutes": "路上分钟 travel",
    "probability": "违法概率 p(violation)",
    "expected": "预计 expected",
    "reasons": "分数的理由 reasons of the score",
    "remarks": "备注 remarks",
}
"""The columns of a sheet, by what a visit calls them; `unit` and `probability` are called as the plan's unit asks."""
CONTACTS = {"name": "名称 name", "address": "地址 address", "telephone": "电话 telephone"}
"""The columns that a source's directory fills, where it has one; they stand behind the unit."""
BESIDE_THE_TABLE = ("cell", "reasons")
"""Columns of the CSV that are none of the page: the cell is a table's title, and reasons stand below their visit."""
BLANK = ("结果 outcome", "签名 signature")
"""Columns of the page that a team fills in."""
SPREADSHEETS_MARK = "\N{BYTE ORDER MARK}"
"""By it spreadsheets know that a CSV is UTF-8."""
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet computes what begins so, and a firm chooses its own name."""
STYLE = (
    "body{font:10pt sans-serif;margin:1cm}table{border-collapse:collapse;width:100%;margin-bottom:1em}"
    "td,th{border:1px solid #888;padding:2px 4px;text-align:left}h2{break-before:page}"
    "h2:first-of-type{break-before:auto}thead{display:table-header-group}tbody{break-inside:avoid}"
)


def write_plan_sheets(
    shown: dict[str, Any], folder: Path, directory: Directory | None = None
) -> list[Path]:
    """Write a plan, as `plan_as_json` gave it, into a folder and return the paths: the page, then a CSV per team by name.

    What a directory says of a unit stands on the sheets alone; `shown` stays without it.
    """
    asked_folder(folder)
    if directory:
        shown = _with_contacts(shown, directory)
    number = shown["plan"]
    texts = {f"{number}.html": page(shown)}
    for team, cells in _cells_of_teams(shown).items():
        # a team's name may hold what a file's name may not
        name = "no-team" if team is None else f"team-{quote(team, safe='')}"
        texts[f"{number}.{name}.csv"] = team_csv(shown, cells)
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]


def _with_contacts(shown: dict[str, Any], directory: Directory) -> dict[str, Any]:
    """Return a plan whose visits have what a directory says of their units, empty where it names them not."""
    nothing = dict.fromkeys(CONTACTS, "")
    unit = shown["unit"]
    cells = [
        {
            **cell,
            "visits": [
                {**visit, **directory.get(visit[unit], nothing)} for visit in cell["visits"]
            ],
        }
        for cell in shown["cells"]
    ]
    return {**shown, "cells": cells, "contacts": True}


def _cells_of_teams(shown: dict[str, Any]) -> dict[str | None, list[dict[str, Any]]]:
    """Return the cells that have visits by their team, cells without a team last."""
    cells_of: dict[str | None, list[dict[str, Any]]] = {}
    for cell in shown["cells"]:
        if cell["visits"]:
            cells_of.setdefault(cell["team"], []).append(cell)
    return dict(sorted(cells_of.items(), key=lambda entry: (entry[0] is None, entry[0] or "")))


def team_csv(shown: dict[str, Any], cells: list[dict[str, Any]]) -> str:
    """Return the visits of some cells as CSV, a line each in the order of the road."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(titles(shown).values())
    for cell in cells:
        for visit in by_road(cell):
            writer.writerow(map(no_formula, _texts(shown, cell, visit).values()))
    return SPREADSHEETS_MARK + text.getvalue()


def no_formula(text: str) -> str:
    """Return a text that no spreadsheet computes: behind an apostrophe where it begins as a formula does (OWASP).

    >>> no_formula("=1+1"), no_formula("-"), no_formula("青岛一厂")
    ("'=1+1", '-', '青岛一厂')
    """
    return f"'{text}" if len(text) > 1 and text.startswith(FORMULA_SIGNS) else text


def titles(shown: dict[str, Any]) -> dict[str, str]:
    """Return the titles of a sheet's columns, in the words of the plan's unit."""
    kind = KINDS[shown["unit"]]
    names = COLUMNS | {"unit": kind.title, "probability": kind.chance}
    if "contacts" not in shown:
        return names
    in_order: dict[str, str] = {}
    for column, name in names.items():
        in_order[column] = name
        if column == "unit":
            in_order |= CONTACTS
    return in_order


def by_road(cell: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a cell's visits in the order of their stops, those without coordinates last by position."""
    last = len(cell["visits"]) + 1
    return sorted(cell["visits"], key=lambda visit: (visit["stop"] or last, visit["position"]))


def _texts(shown: dict[str, Any], cell: dict[str, Any], visit: dict[str, Any]) -> dict[str, str]:
    """Return one visit as texts by column, in the order of the titles."""
    texts = {
        **visit,
        "unit": visit[shown["unit"]],
        "cell": cell["cell"] or "-",
        "stop": visit["stop"] or "",
        "why": WHY_WORDS[visit["why"]],
        "probability": f"{visit['probability']:.3f}",
        "expected": " ".join(number_line(visit, shown["unit_expected"])[1:]),
        "reasons": "; ".join(reason_phrases(visit)),
        "remarks": "; ".join(remarks(visit)),
    }
    return {column: str(texts[column]) for column in titles(shown)}


def reason_phrases(visit: dict[str, Any]) -> list[str]:
    """Return the reasons of a visit's score, each with what to check on site; none where the plan was made without them."""
    phrases = []
    for number, reason in enumerate(visit.get("reasons", ()), 1):
        phrase = f"{number}. {reason['zh']} {reason['en']}"
        if reason["check_zh"]:
            phrase += f" → 核查 check: {reason['check_zh']} {reason['check_en']}"
        phrases.append(phrase)
    return phrases


def page(shown: dict[str, Any]) -> str:
    """Return the page to print: what the plan rests on, then a table for each cell that has visits."""
    title = f"周检查计划 week's plan {shown['week']}"
    heading = "".join(f"<p>{escape(line)}</p>" for line in heading_lines(shown))
    tables = "".join(_table(shown, cell) for cell in shown["cells"] if cell["visits"])
    return (
        f'<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{heading}{tables}</body></html>\n"
    )


def _table(shown: dict[str, Any], cell: dict[str, Any]) -> str:
    """Return a cell's list as a table in the order of the road."""
    team = cell["team"] or "-"
    minutes = f"{cell['planned_minutes']}/{cell['minutes']} min"
    title = f"网格 cell {cell['cell'] or '-'} | 队伍 team {team} | {minutes}"
    columns = {
        column: name for column, name in titles(shown).items() if column not in BESIDE_THE_TABLE
    }
    head = "".join(f"<th>{escape(name)}</th>" for name in (*columns.values(), *BLANK))
    bodies = []
    for visit in by_road(cell):
        texts = _texts(shown, cell, visit)
        row = [*(texts[column] for column in columns), *("" for _ in BLANK)]
        cells = "".join(f"<td>{escape(text)}</td>" for text in row)
        reasons = _reasons_row(visit, width=len(row))
        # a body of its own keeps a visit and its reasons on one sheet of paper
        bodies.append(f"<tbody><tr>{cells}</tr>{reasons}</tbody>")
    return f"<h2>{escape(title)}</h2><table><thead><tr>{head}</tr></thead>{''.join(bodies)}</table>"


def _reasons_row(visit: dict[str, Any], width: int) -> str:
    """Return the row below a visit with the reasons of its score, as wide as the table; "" where it has none."""
    phrases = reason_phrases(visit)
    if not phrases:
        return ""
    lines = "<br>".join(map(escape, phrases))
    return f'<tr><td colspan="{width}">{escape(COLUMNS["reasons"])}<br>{lines}</td></tr>'
