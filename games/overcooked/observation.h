/* What cooks see; the channels and features are listed in overcooked.h. */
#ifndef AGORA_OVERCOOKED_OBSERVATION_H
#define AGORA_OVERCOOKED_OBSERVATION_H

#include "overcooked.h"

void overcooked_observe(const AgoraContext *context, const void *state, AgoraView *views);

#endif
