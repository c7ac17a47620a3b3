/* What makes any bytes safe: configs and states that the rules could not bear are refused. */
#ifndef AGORA_COMMONS_VALIDITY_H
#define AGORA_COMMONS_VALIDITY_H

#include "../core/game.h"

bool commons_check_config(const void *config, AgoraError *error);
bool commons_check_state(const AgoraContext *context, const void *state, AgoraError *error);

#endif
