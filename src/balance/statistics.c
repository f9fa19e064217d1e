/*
 * balance/statistics.c
 *		Probabilities behind the verdicts on sequences of balances.
 */
#include "balance/statistics.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define RELATIVE_ERROR 1e-15
#define PAGE_STATES 200			/* grid of Page's S on [0, h] */
#define PAGE_H_MAX 1e6
#define SETTLED 1e-14			/* change of the survival ratio that counts as none */

double
rt_normal_p_value(double value)
{
	return erfc(fabs(value) * M_SQRT1_2);
}

static double
normal_below(double x)
{
	return 0.5 * erfc(-x * M_SQRT1_2);
}

/* x^a e^-x / Gamma(a + 1): common factor of both expansions */
static double
gamma_factor(double a, double x)
{
	return exp(a * log(x) - x - lgamma(a + 1));
}

/* Lower regularised incomplete gamma function by its power series, for x < a + 1. */
static double
gamma_series(double a, double x)
{
	double		term = 1;
	double		sum = 1;

	for (double n = a + 1; term > sum * RELATIVE_ERROR; n += 1)
	{
		term *= x / n;
		sum += term;
	}
	return sum * gamma_factor(a, x);
}

/*
 * Upper one by its continued fraction, for x >= a + 1:
 *	 x^a e^-x / Gamma(a) * 1/(x+1-a- 1(1-a)/(x+3-a- 2(2-a)/(x+5-a- ...
 * evaluated forwards as the ratio of successive convergents (modified Lentz).
 */
static double
gamma_fraction(double a, double x)
{
	double		b = x + 1 - a;
	double		d = 1 / b;
	double		c = HUGE_VAL;
	double		value = d;

	for (int n = 1; n < 1000000; n++)
	{
		double		coefficient = n * (a - n);
		double		step;

		b += 2;
		d = 1 / (b + coefficient * d);
		c = b + coefficient / c;
		step = c * d;
		value *= step;
		if (fabs(step - 1) < RELATIVE_ERROR)
			break;
	}
	return value * a * gamma_factor(a, x);
}

double
rt_chi_square_p_value(double value, int degrees)
{
	double		a = degrees / 2.0;
	double		x = value / 2;

	if (x <= 0)
		return 1;
	if (isinf(x))
		return 0;
	return x < a + 1 ? 1 - gamma_series(a, x) : gamma_fraction(a, x);
}

/*
 * Grid of width w with a state of half width at 0: state i stands for S in
 * ((i - 1/2) w, (i + 1/2) w).  weight[d + PAGE_STATES] is the probability of a
 * step of d states, below[i] that of falling to 0 from state i.
 */
typedef struct PageChain
{
	double		weight[2 * PAGE_STATES + 1];
	double		below[PAGE_STATES];
} PageChain;

static void
build_chain(PageChain *chain, double k, double h)
{
	double		w = 2 * h / (2 * PAGE_STATES - 1);

	for (int d = -PAGE_STATES; d <= PAGE_STATES; d++)
		chain->weight[d + PAGE_STATES] = normal_below((d + 0.5) * w + k) -
			normal_below((d - 0.5) * w + k);
	for (int i = 0; i < PAGE_STATES; i++)
		chain->below[i] = normal_below(k - i * w + 0.5 * w);
}

/* One period; returns the probability that is left below h. */
static double
step_chain(const PageChain *chain, double *state)
{
	double		next[PAGE_STATES] = {0};
	double		left = 0;

	for (int i = 0; i < PAGE_STATES; i++)
	{
		const double *weight = &chain->weight[PAGE_STATES - i];

		next[0] += state[i] * chain->below[i];
		for (int j = 1; j < PAGE_STATES; j++)
			next[j] += state[i] * weight[j];
	}
	for (int i = 0; i < PAGE_STATES; i++)
		left += next[i];
	memcpy(state, next, sizeof(next));
	return left;
}

/* After some periods survival falls by the same ratio each time: no need to step on. */
double
rt_page_alarm_probability(double k, double h, int periods)
{
	PageChain	chain;
	double		state[PAGE_STATES] = {1};
	double		left = 1;
	double		ratio = 0;

	if (h <= 0)
		return 1 - pow(normal_below(k), periods);
	build_chain(&chain, k, h);
	for (int n = 1; n <= periods; n++)
	{
		double		now = step_chain(&chain, state);
		double		now_ratio = left > 0 ? now / left : 0;

		left = now;
		if (n > 1 && fabs(now_ratio - ratio) <= SETTLED)
		{
			left *= pow(now_ratio, periods - n);
			break;
		}
		ratio = now_ratio;
	}
	return left < 1 ? 1 - left : 0;
}

double
rt_page_threshold(double k, int periods, double probability)
{
	double		low = 0;
	double		high = 1;

	if (rt_page_alarm_probability(k, 0, periods) <= probability)
		return 0;
	while (high < PAGE_H_MAX && rt_page_alarm_probability(k, high, periods) > probability)
	{
		low = high;
		high *= 2;
	}
	while (high - low > 1e-9 * high)
	{
		double		middle = (low + high) / 2;

		if (rt_page_alarm_probability(k, middle, periods) > probability)
			low = middle;
		else
			high = middle;
	}
	return high;
}
