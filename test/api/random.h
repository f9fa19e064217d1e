/*
 * random.h
 *		The generator's own random numbers: the same seed gives the same year
 *		on every machine and C library.
 */
#ifndef API_RANDOM_H
#define API_RANDOM_H

#include <stdint.h>

/* xoshiro256** (Blackman, Vigna), seeded by splitmix64 */
typedef struct Random
{
	uint64_t state[4];
} Random;

extern void random_seed(Random *random, uint64_t seed);
extern uint64_t random_bits(Random *random);
extern double random_uniform(Random *random, double low, double high);
extern int random_integer(Random *random, int low, int high); /* both included */
extern double random_normal(Random *random);

#endif /* API_RANDOM_H */
