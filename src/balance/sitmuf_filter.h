/*
 * balance/sitmuf_filter.h
 *		SITMUF and GEMUF of a sequence, one period at a time.
 *
 * Given the covariance matrix C of the MUFs, SITMUF = L^-1 MUF with C = L L^T
 * is the sequence of one-step prediction errors, each divided by its own
 * standard deviation, and GEMUF = MUF^T C^-1 MUF is the sum of their squares.
 * Prediction needs no matrix of periods: all that a period shares with those
 * before it is the inventory between them and the instruments' biases.  So a
 * Kalman filter whose state is (error of that inventory, bias of each
 * instrument) gives the same numbers as the Cholesky factor, in memory that
 * does not grow with the periods.
 *
 *	MUF_t = e_(t-1) + sum of S_k(t) s_k + w_t - e_t
 *
 * with e the inventories' errors, w_t the error of what moved, s_k the biases
 * (standard deviation 1), S_k(t) the signed systematic sums.
 */
#ifndef RT_SITMUF_FILTER_H
#define RT_SITMUF_FILTER_H

#include <stdbool.h>

typedef struct SitmufFilter
{
	int			instruments;
	int			cap;
	double		e;				/* expected error of the inventory between */
	double		e_var;
	double	   *s;				/* [cap] expected biases */
	double	   *es;				/* [cap] covariance of inventory and biases */
	double	   *ss;				/* [cap * cap] covariance of biases */
	double		gemuf;
	int			degrees;		/* periods that add to gemuf */
	bool		undefined;		/* a negative variance */
} SitmufFilter;

/* What one period brings; masses in kg. */
typedef struct SitmufPeriod
{
	double		muf;
	double		opening_var;	/* used in the first period only */
	double		between_var;
	double		closing_var;
	double		total_var;		/* all of var(MUF), biases included */
	const double *bias;			/* [instruments] S_k(t) */
	double	   *gain;			/* [instruments] scratch */
} SitmufPeriod;

/*
 * Takes a period; returns true and sets *sitmuf if it says anything.  Where its
 * MUF is certain, one of 0 (or the one predicted) says nothing, and any other
 * cannot be if nothing is missing: it is infinitely many deviations off.
 */
extern bool rt_sitmuf_step(SitmufFilter *f, const SitmufPeriod *p, bool first, double *sitmuf);

#endif							/* RT_SITMUF_FILTER_H */
