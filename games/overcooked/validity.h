/* Which configs and states the rules can bear. Python explains bad kitchens better; this is what keeps C safe. Rows and
 * columns in messages count from 0, as positions do. */
#ifndef AGORA_OVERCOOKED_VALIDITY_H
#define AGORA_OVERCOOKED_VALIDITY_H

#include "overcooked.h"

bool overcooked_check_config(const void *config, AgoraError *error);
bool overcooked_check_state(const AgoraContext *context, const void *state, AgoraError *error);

#endif
