/*
 * Fuzz target: the readers of the types, from any bytes.
 */
#include "types_driver.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (check_types_text(data, size) != NULL)
		abort();
	return 0;
}
