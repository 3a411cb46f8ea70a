"""The catalogue: measures, windows and features as declared tables, read from the text files of this folder."""

from features.catalogue.declared import Catalogue, Feature, Join, Measure, Window
from features.catalogue.reading import declared_joins, read_catalogue

__all__ = ["Catalogue", "Feature", "Join", "Measure", "Window", "declared_joins", "read_catalogue"]
