"""Parameters of the network and of the population, read from their tables: one definition for code, digest and dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from features.parameters import (
    Count,
    Days,
    DeclaredParameter,
    Share,
    parameter_values,
    parameters_in,
)
from features.text_files import declaration_text

FILE = "parameters.txt"
POPULATION = "population.txt"


@dataclass(frozen=True, slots=True)
class NetworkParameters:
    """The value of each parameter of the network; parameters.txt says what each means."""

    move_gap: Days
    move_span: Days
    most_spells: Count
    exit_span: Days
    weight_half_life: Days
    most_sharing: Count
    link_moves: Count
    walk_share: Share
    heir_lead: Days
    moved_together: Count
    ring_claimants: Count
    most_providers: Count


@dataclass(frozen=True, slots=True)
class PopulationParameters:
    """The value of each parameter of who counts as living; population.txt says what each means."""

    recent_claims: Days


@cache
def network_parameters() -> NetworkParameters:
    """Return the declared values by name."""
    return parameter_values(NetworkParameters, declared_parameters())


@cache
def declared_parameters() -> Mapping[str, DeclaredParameter]:
    """Return the declarations of parameters.txt by name."""
    return parameters_in(declaration_text(FILE), NetworkParameters, FILE)


@cache
def population_parameters() -> PopulationParameters:
    """Return what population.txt declares."""
    declared = parameters_in(declaration_text(POPULATION), PopulationParameters, POPULATION)
    return parameter_values(PopulationParameters, declared)
