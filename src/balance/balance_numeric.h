/*
 * balance/balance_numeric.h
 *		Figures of a balance as SQL numerics, exact or rounded once.
 */
#ifndef RT_BALANCE_NUMERIC_H
#define RT_BALANCE_NUMERIC_H

#include "balance/balance.h"

#define SIGMA_DECIMALS 15
#define Z_DECIMALS 6

extern Datum rt_kilograms_numeric(const Wide192 *value);
extern Datum rt_sigma_numeric(const BalanceFigures *figures);	/* has_sigma */
extern Datum rt_z_numeric(const BalanceFigures *figures);	/* has_z */

#endif							/* RT_BALANCE_NUMERIC_H */
