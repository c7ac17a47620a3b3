/* What agents see (the table is in commons.h). */
#ifndef AGORA_COMMONS_SIGHT_H
#define AGORA_COMMONS_SIGHT_H

#include "../core/game.h"

void commons_observe(const AgoraContext *context, const void *state, AgoraView *views);

#endif
