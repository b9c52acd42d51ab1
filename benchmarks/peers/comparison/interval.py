"""The ratio of two values that were measured in pairs, and how sure it is."""

import math
import statistics
from dataclasses import dataclass
from typing import Optional


@dataclass(frozen=True)
class Ratio:
    """A ratio and its 95 % interval, whose ends are None where there was one pair only."""

    value: float
    low: Optional[float]
    high: Optional[float]

    def __str__(self):
        return f"{self.value:.3f}"

    def interval(self):
        return "not known of one round" if self.low is None else f"{self.low:.3f} to {self.high:.3f}"


def ratio_of(logarithms):
    """The geometric mean of ratios, from their logarithms, and the interval of that mean by Student's t."""
    mean = statistics.fmean(logarithms)
    if len(logarithms) == 1:
        return Ratio(math.exp(mean), None, None)
    half = student_t(len(logarithms) - 1) * statistics.stdev(logarithms) / math.sqrt(len(logarithms))
    return Ratio(math.exp(mean), math.exp(mean - half), math.exp(mean + half))


def student_t(freedom, share=0.95):
    """The t that holds the middle share of Student's distribution, by bisection."""
    low, high = 0.0, 1.0
    while middle_share(high, freedom) < share:
        high *= 2
    for _ in range(100):
        middle = (low + high) / 2
        if middle_share(middle, freedom) < share:
            low = middle
        else:
            high = middle
    return high


def middle_share(t, freedom):
    """The probability of a value between -t and t (Abramowitz and Stegun 26.7.3 and 26.7.4, finite sums for whole degrees of freedom)."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    if freedom == 1:
        return 2 * angle / math.pi
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = term
    for k in range(2 if odd else 1, freedom - 2, 2):
        term *= k / (k + 1) * cosine**2
        total += term
    return 2 / math.pi * (angle + sine * total) if odd else sine * total
