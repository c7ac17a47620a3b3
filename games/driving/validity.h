#ifndef AGORA_DRIVING_VALIDITY_H
#define AGORA_DRIVING_VALIDITY_H

#include "driving.h"

/* Refuse what the rules could not bear. */
bool driving_check_config(const void *config, AgoraError *error);
bool driving_check_state(const AgoraContext *context, const void *state, AgoraError *error);

#endif
