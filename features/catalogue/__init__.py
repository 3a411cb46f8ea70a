"""The catalogue: measures, windows and features as declared tables, read from the text files of this folder."""

from features.catalogue.model import Catalogue, Feature, Join, Measure, Window
from features.catalogue.parse import declared_joins, read_catalogue

__all__ = ["Catalogue", "Feature", "Join", "Measure", "Window", "declared_joins", "read_catalogue"]
