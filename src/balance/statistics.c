/*
 * balance/statistics.c
 *		Probabilities behind the verdicts on sequences of balances.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "balance/statistics.h"

#define RELATIVE_ERROR 1e-15
#define PAGE_STATES 200			/* grid of Page's S on [0, h] */
#define STEP_MAX 9.0			/* P(y > 9) is 10^-19 */
#define SETTLED 1e-12			/* change of a distribution that counts as none */
#define NOTHING_LEFT 1e-12

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

/* On the side where the tails are not lost against 1. */
static double
normal_between(double from, double to)
{
	return from > 0 ? normal_below(-from) - normal_below(-to) : normal_below(to) - normal_below(from);
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
 * ((i - 1/2) w, (i + 1/2) w).  weight[d + states] is the probability of a step
 * of d states, below[i] and above[i] those of falling to 0 and of passing h from
 * state i.
 */
typedef struct PageChain
{
	int			states;
	int			reach;			/* steps of more states do not happen */
	double		weight[2 * PAGE_STATES + 1];
	double		below[PAGE_STATES];
	double		above[PAGE_STATES];
} PageChain;

static void
build_chain(PageChain *chain, int states, double k, double h)
{
	double		w = 2 * h / (2 * states - 1);
	double		reach = (STEP_MAX + k) / w + 1;

	chain->states = states;
	chain->reach = reach < states ? (int) reach : states;
	for (int d = -states; d <= states; d++)
		chain->weight[d + states] = normal_between((d - 0.5) * w + k, (d + 0.5) * w + k);
	for (int i = 0; i < states; i++)
	{
		chain->below[i] = normal_below(k - i * w + 0.5 * w);
		chain->above[i] = normal_below(-((states - i - 0.5) * w + k));
	}
}

/*
 * One period; returns the probability of passing h in it, and sets *change to
 * how much the distribution of those left below h changed.
 */
static double
step_chain(const PageChain *chain, double *state, double left, double *change)
{
	double		next[PAGE_STATES] = {0};
	double		alarm = 0;

	for (int i = 0; i < chain->states; i++)
	{
		const double *weight = &chain->weight[chain->states - i];
		int			first = i - chain->reach < 1 ? 1 : i - chain->reach;
		int			last = i + chain->reach < chain->states ? i + chain->reach : chain->states - 1;

		alarm += state[i] * chain->above[i];
		next[0] += state[i] * chain->below[i];
		for (int j = first; j <= last; j++)
			next[j] += state[i] * weight[j];
	}
	*change = 0;
	for (int i = 0; i < chain->states; i++)
		*change += fabs(next[i] / (left - alarm) - state[i] / left);
	memcpy(state, next, sizeof(double) * chain->states);
	return alarm;
}

/*
 * With that many states.  Once the distribution of those left stays the same,
 * as many of them alarm in each period: no need to step on.  (That few alarm at
 * first is no sign of it: the way to h takes several periods.)
 */
static double
chain_alarm_probability(int states, double k, double h, int periods)
{
	PageChain	chain;
	double		state[PAGE_STATES] = {1};
	double		alarms = 0;

	build_chain(&chain, states, k, h);
	for (int n = 1; n <= periods; n++)
	{
		double		left = 1 - alarms;
		double		change;
		double		alarm;

		CHECK_FOR_INTERRUPTS();
		if (left <= NOTHING_LEFT)
			return 1;
		alarm = step_chain(&chain, state, left, &change);
		alarms += alarm;
		if (change <= SETTLED)
			return alarms - (left - alarm) * expm1((periods - n) * log1p(-alarm / left));
	}
	return alarms;
}

/* The error falls with the square of the grid's width, which two grids tell. */
double
rt_page_alarm_probability(double k, double h, int periods)
{
	double		coarse;
	double		fine;

	if (h <= 0)
		return -expm1(periods * log1p(-normal_below(-k)));
	coarse = chain_alarm_probability(PAGE_STATES / 2, k, h, periods);
	fine = chain_alarm_probability(PAGE_STATES, k, h, periods);
	return Max(0, Min(1, fine + (fine - coarse) / 3));
}

double
rt_page_threshold(double k, int periods, double probability)
{
	double		low = 0;
	double		high = 1;

	if (rt_page_alarm_probability(k, 0, periods) <= probability)
		return 0;
	while (rt_page_alarm_probability(k, high, periods) > probability)
	{
		if (high >= PAGE_H_MAX)
			return -1;
		low = high;
		high = Min(2 * high, PAGE_H_MAX);
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
