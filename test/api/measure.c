/*
 * measure.c
 *		From true values to measured ones, and their text.
 *
 * measured = true x (1 + r + s): r independent for each reading, s the bias of
 * the instrument, drawn once. An assay is made anew for each report and states
 * its standard deviation. Errors are bounded at 1.25 of the stated standard
 * deviations unless the normal distribution is asked for.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chain.h"

#define ERROR_BOUND 1.25
#define PPB 1e9

double
measure_error(Generator *g)
{
	double error;

	do
		error = random_normal(&g->random);
	while (!g->normal_noise && fabs(error) > ERROR_BOUND);
	return error;
}

int64_t
measure_mass(Generator *g, const Instrument *instrument, double kg)
{
	double measured = kg * (1 + instrument->random_rsd * measure_error(g) + instrument->bias);
	double step =
		pow(10, floor(log10(kg * instrument->random_rsd / 20 + 1e-9))); /* of the display */

	if (step < 1e-6)
		step = 1e-6;
	return llround(round(measured / step) * step * 1e6);
}

/* Rounded to two significant digits, at least 1. */
static double
round_deviation(double ppb)
{
	double step = ppb < 10 ? 1 : pow(10, floor(log10(ppb)) - 1);

	return ppb < 1 ? 1 : round(ppb / step) * step;
}

/* A number of 10^-digits units without trailing zeros. */
static void
print_decimal(Buffer *buffer, int64_t units, int digits)
{
	char text[32];
	int length;
	int64_t scale = 1;

	for (int i = 0; i < digits; i++)
		scale *= 10;
	length = snprintf(text, sizeof(text), "%" PRId64 ".%0*" PRId64, units / scale, digits,
					  units % scale);
	while (text[length - 1] == '0')
		length--;
	if (text[length - 1] == '.')
		length--;
	buffer_append(buffer, text, (size_t) length);
}

char *
measure_assay(Generator *g, Material material, const double metal[METALS])
{
	Buffer text = {0};

	for (int i = 0; i < METALS; i++)
	{
		double deviation, measured, step;

		if (metal[i] * PPB < 1)
			continue;
		deviation = round_deviation(metal[i] * PPB * material_info[material].assay_rsd);
		measured = metal[i] * PPB + deviation * measure_error(g);
		step = deviation < 100 ? 1 : pow(10, floor(log10(deviation)) - 2);
		buffer_print(&text, "%s%s=", text.length ? "," : "", metal_symbol[i]);
		print_decimal(&text, llround(fmax(round(measured / step) * step, 0)), 7);
		buffer_text(&text, "%±");
		print_decimal(&text, llround(deviation), 7);
		buffer_text(&text, "%");
	}
	if (!text.length)
		buffer_text(&text, "Nd=0%");
	return text.data;
}

char *
mass_text(int64_t mg)
{
	Buffer text = {0};

	if (mg >= INT64_C(10000000000))
	{
		print_decimal(&text, mg, 9);
		buffer_text(&text, " t");
	}
	else if (mg >= 1000000 || mg == 0)
	{
		print_decimal(&text, mg, 6);
		buffer_text(&text, " kg");
	}
	else
	{
		print_decimal(&text, mg, 3);
		buffer_text(&text, " g");
	}
	return text.data;
}
