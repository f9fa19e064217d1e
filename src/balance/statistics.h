/*
 * balance/statistics.h
 *		Probabilities behind the verdicts on sequences of balances.  Plain C,
 *		unit-tested without a server.
 */
#ifndef RT_STATISTICS_H
#define RT_STATISTICS_H

/* P(|y| > |value|), y standard normal. */
extern double rt_normal_p_value(double value);

/* P(x > value), x chi-square distributed with "degrees" >= 1 degrees of freedom. */
extern double rt_chi_square_p_value(double value, int degrees);

/*
 * Probability that Page's one-sided test S = max(0, S + y - k), from S = 0,
 * passes h within that many periods while the y are independent and standard
 * normal: no material is missing.  Brook and Evans (Biometrika 59, 1972): S
 * as a Markov chain on a grid; good to about 10^-4 of the probability.
 */
extern double rt_page_alarm_probability(double k, double h, int periods);

/* The h at which that probability is "probability", 0 if h = 0 stays below it. */
extern double rt_page_threshold(double k, int periods, double probability);

#endif							/* RT_STATISTICS_H */
