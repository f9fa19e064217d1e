/*
 * contract.h
 *		The OpenAPI document the server implements. Resources, parameters and
 *		sort keys are read from it, so that the document cannot say otherwise.
 */
#ifndef API_CONTRACT_H
#define API_CONTRACT_H

#include "dataset.h"

/* The document as embedded in the program. */
extern const char contract_text[];
extern const char contract_end[];

/* Fills data->resources from the document; ends the program if it is broken. */
extern void contract_load(Dataset *data);

#endif /* API_CONTRACT_H */
