"""What each directive shows: one function a row, from the request to an `Answer`."""

from symgrad.sphinxext.results import bounds, chains, functions, kernels, pictures
from symgrad.sphinxext.results.reading import MAKERS

__all__ = ["MAKERS", "bounds", "chains", "functions", "kernels", "pictures"]
