/* What agents of gather-trade-build see, and what they may do; the tables stand in gather_trade_build.h. */
#ifndef AGORA_GTB_SIGHT_H
#define AGORA_GTB_SIGHT_H

#include "gather_trade_build.h"

int32_t gtb_worker_features(const GtbConfig *config);
int32_t gtb_planner_features(const GtbConfig *config);
static inline int32_t gtb_num_actions(const GtbConfig *config) { return 2 + 4 * (config->max_bid_ask + 1) + 4; }

void gtb_observe(const GtbConfig *config, const GtbState *state, AgoraView *workers, AgoraView *planner);

#endif
