"""What each directive shows: one function a row, from the request to an `Answer`."""

from symgrad.sphinxext.results import bounds, chains, functions, kernels, pictures
from symgrad.sphinxext.results.reading import MAKERS, Request

__all__ = ["MAKERS", "Request", "bounds", "chains", "functions", "kernels", "pictures"]
