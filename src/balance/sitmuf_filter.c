/*
 * balance/sitmuf_filter.c
 *		SITMUF and GEMUF of a sequence, one period at a time: see the header.
 */
#include "balance/sitmuf_filter.h"

#include <math.h>

/* Below this share of its own variance what is left of it is rounding. */
#define CERTAIN 1e-12

/* A certain MUF may differ from the predicted one by this share of its sigma. */
#define CERTAIN_DIFFERENCE 1e-5

/*
 * gain = covariance of each bias with this MUF; returns the variance of MUF
 * given the periods before it.
 */
static double
predict(const SitmufFilter *f, const SitmufPeriod *p, double *expected)
{
	double		var = f->e_var + p->between_var + p->closing_var;

	*expected = f->e;
	for (int i = 0; i < f->instruments; i++)
	{
		const double *row = f->ss + (long) i * f->cap;
		double		sum = f->es[i];

		for (int j = 0; j < f->instruments; j++)
			sum += row[j] * p->bias[j];
		p->gain[i] = sum;
		*expected += p->bias[i] * f->s[i];
		var += p->bias[i] * (sum + f->es[i]);
	}
	return var;
}

/* The state given this MUF too, of variance "var", that exceeded its expectation by "surprise". */
static void
update(SitmufFilter *f, const SitmufPeriod *p, double surprise, double var)
{
	for (int i = 0; i < f->instruments; i++)
	{
		double	   *row = f->ss + (long) i * f->cap;

		f->s[i] += p->gain[i] * surprise / var;
		f->es[i] = p->closing_var * p->gain[i] / var;
		for (int j = 0; j < f->instruments; j++)
			row[j] -= p->gain[i] * p->gain[j] / var;
	}
	f->e = -p->closing_var * surprise / var;
	f->e_var = p->closing_var - p->closing_var * p->closing_var / var;
}

/* A certain period teaches nothing; its inventory begins anew. */
static void
forget_inventory(SitmufFilter *f, double closing_var)
{
	f->e = 0;
	f->e_var = closing_var;
	for (int i = 0; i < f->instruments; i++)
		f->es[i] = 0;
}

bool
rt_sitmuf_step(SitmufFilter *f, const SitmufPeriod *p, bool first, double *sitmuf)
{
	double		expected;
	double		surprise;
	double		var;

	if (p->opening_var < 0 || p->between_var < 0 || p->closing_var < 0)
		f->undefined = true;
	if (f->undefined)
		return false;
	if (first)
		f->e_var = p->opening_var;
	var = predict(f, p, &expected);
	surprise = p->muf - expected;
	if (var <= CERTAIN * p->total_var || p->total_var <= 0)
	{
		forget_inventory(f, p->closing_var);
		if (fabs(surprise) <= CERTAIN_DIFFERENCE * sqrt(p->total_var))
			return false;
		*sitmuf = surprise > 0 ? HUGE_VAL : -HUGE_VAL;
	}
	else
	{
		update(f, p, surprise, var);
		*sitmuf = surprise / sqrt(var);
	}
	f->gemuf += *sitmuf * *sitmuf;
	f->degrees++;
	return true;
}
