"""Student's t and the intervals of ratios, against tables and closed forms."""

import math
import unittest

from comparison.interval import ratio_of, student_t


class IntervalTests(unittest.TestCase):
    def test_student_t_table_has_its_values(self):
        # Of any table of the two-sided 95 % points.
        for freedom, expected in ((1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (5, 2.5706), (10, 2.2281), (29, 2.0452)):
            self.assertAlmostEqual(student_t(freedom), expected, places=4)

    def test_ratio_of_several_rounds_is_geometric_mean_with_interval(self):
        ratio = ratio_of([math.log(2), math.log(8)])
        self.assertAlmostEqual(ratio.value, 4)
        # Two values: standard deviation ln 4 / sqrt 2, standard error ln 2, t 12.7062.
        self.assertAlmostEqual(math.log(ratio.high / 4), 12.7062 * math.log(2), places=3)
        self.assertAlmostEqual(ratio.low * ratio.high, 16)

    def test_ratio_of_one_round_has_no_interval(self):
        ratio = ratio_of([math.log(3)])
        self.assertEqual((ratio.low, ratio.high), (None, None))
        self.assertEqual(ratio.interval(), "not known of one round")


if __name__ == "__main__":
    unittest.main()
