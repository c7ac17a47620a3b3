/* Which configs and states of gather-trade-build its rules can bear. */
#ifndef AGORA_GTB_VALIDITY_H
#define AGORA_GTB_VALIDITY_H

#include "gather_trade_build.h"

bool gtb_check_config(const void *config, AgoraError *error);
bool gtb_check_state(const AgoraContext *context, const void *state, AgoraError *error);

#endif
