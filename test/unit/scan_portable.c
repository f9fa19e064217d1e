/*
 * Protects the scanner's version for machines without SSE2: the same cases.
 */
#include "scan_validation.c"
