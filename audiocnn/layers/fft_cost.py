"""placeholder"""

from functools import lru_cache
from math import ceil, prod, log2
from typing import NamedTuple


class Blocks(NamedTuple):
    """x"""

    size: int
    step: int
    count: int
