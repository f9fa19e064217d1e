/*
 * balance/statistics.h
 *		Probabilities behind the verdicts on sequences of balances.
 */
#ifndef RT_STATISTICS_H
#define RT_STATISTICS_H

/* P(|y| > |value|), y standard normal. */
extern double rt_normal_p_value(double value);

/* P(x > value), x chi-square distributed with "degrees" >= 1 degrees of freedom. */
extern double rt_chi_square_p_value(double value, int degrees);

/* Beyond this h the grid is too wide, and there is no use for it either. */
#define PAGE_H_MAX 100.0

/*
 * Probability that Page's one-sided test S = max(0, S + y - k), from S = 0,
 * passes h (at most PAGE_H_MAX) within that many periods while the y are
 * independent and standard normal: no material is missing.  Brook and Evans
 * (Biometrika 59, 1972): S as a Markov chain on a grid; good to 10^-4 of the
 * probability up to an h of 20, to a hundredth of it up to 100.
 */
extern double rt_page_alarm_probability(double k, double h, int periods);

/* The h at which that probability is "probability": 0 if h = 0 stays below it, -1 if PAGE_H_MAX is too small. */
extern double rt_page_threshold(double k, int periods, double probability);

#endif							/* RT_STATISTICS_H */
