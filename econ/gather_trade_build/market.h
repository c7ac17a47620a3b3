/* The market of gather-trade-build: a continuous double auction for each resource.
 *
 * A bid puts its price into escrow, an ask a unit; both cost labor. Bids are served by price, from the highest, then by age,
 * asks from the lowest; equal ones by the index of their agents. The first bid whose owner can still trade takes the first
 * ask of somebody else; if that is too dear, its owner is out for this step. They trade at the ask's price if the bid is not
 * the older one, and at the bid's otherwise. Orders live `order_duration` steps, then escrow goes back. */
#ifndef AGORA_GTB_MARKET_H
#define AGORA_GTB_MARKET_H

#include "gather_trade_build.h"

/* What a worker's action asks of the market. */
typedef struct GtbOrder {
    int32_t resource, side, price; /* resource -1: nothing */
} GtbOrder;

static inline int32_t gtb_num_prices(const GtbConfig *config) { return config->max_bid_ask + 1; }

static inline bool gtb_can_order(const GtbConfig *config, const GtbState *state, int32_t agent, int32_t resource)
{
    return state->open_orders[agent][resource] < config->max_orders;
}

/* One step of both markets. `wishes` has an entry for each agent. */
void gtb_trade(const GtbConfig *config, const GtbOrder *wishes, GtbState *state);

#endif
