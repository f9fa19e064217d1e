/*
 * generator.h
 *		A calendar year of reports, made from a seed.
 */
#ifndef API_GENERATOR_H
#define API_GENERATOR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dataset.h"

/*
 * Fills the resources. scale is the number of batches a month and product;
 * normal_noise draws measurement errors from the normal distribution that the
 * instruments' deviations state, where otherwise they are bounded (README).
 */
extern void generator_run(Dataset *data, uint64_t seed, int scale, bool normal_noise);

/* Writes the planted cases as TSV; after generator_run. */
extern void generator_list_cheats(FILE *file);

#endif /* API_GENERATOR_H */
