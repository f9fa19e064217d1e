/*
 * random.c
 *		xoshiro256** and what is drawn from it.
 */
#include "random.h"

#include <math.h>

static uint64_t
rotate_left(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

void
random_seed(Random *random, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
	{
		uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);

		z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
		random->state[i] = z ^ (z >> 31);
	}
}

uint64_t
random_bits(Random *random)
{
	uint64_t *s = random->state;
	uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

double
random_uniform(Random *random, double low, double high)
{
	return low + (high - low) * (double) (random_bits(random) >> 11) * 0x1.0p-53;
}

int
random_integer(Random *random, int low, int high)
{
	return low + (int) (random_bits(random) % (uint64_t) (high - low + 1));
}

/* The polar method; its second value is not kept, so that draws do not depend on earlier ones. */
double
random_normal(Random *random)
{
	double x, y, square;

	do
	{
		x = random_uniform(random, -1, 1);
		y = random_uniform(random, -1, 1);
		square = x * x + y * y;
	} while (square >= 1 || square == 0);
	return x * sqrt(-2 * log(square) / square);
}
