#include "market.h"

#include <string.h>

static const double FADE = 0.995; /* of past trades, in a step */

enum { AGENT, PRICE, AGE, ORDER_BYTES = 4 };

typedef uint8_t Order[ORDER_BYTES];

/* Puts a new order behind all that are served before it: those of a better price, and all of its own price, which are
 * older or of a lower index. */
static void insert(Order *orders, int32_t *count, int32_t side, int32_t agent, int32_t price)
{
    int32_t place = *count;
    while (place > 0 && (side == GTB_BIDS ? orders[place - 1][PRICE] < price : orders[place - 1][PRICE] > price))
        place--;
    memmove(orders[place + 1], orders[place], (size_t)(*count - place) * sizeof(Order));
    orders[place][AGENT] = (uint8_t)agent;
    orders[place][PRICE] = (uint8_t)price;
    orders[place][AGE] = 0;
    orders[place][3] = 0;
    (*count)++;
}

static void remove_at(Order *orders, int32_t *count, int32_t place)
{
    (*count)--;
    memmove(orders[place], orders[place + 1], (size_t)(*count - place) * sizeof(Order));
    memset(orders[*count], 0, sizeof(Order));
}

static void place_order(const GtbConfig *config, int32_t agent, const GtbOrder *wish, GtbState *state)
{
    int32_t resource = wish->resource, side = wish->side, price = wish->price;
    bool can_cover = side == GTB_BIDS ? state->coin[agent] >= price : state->units[agent][resource] > 0;
    if (!can_cover || !gtb_can_order(config, state, agent, resource))
        return;
    if (side == GTB_BIDS) {
        state->coin[agent] -= price;
        state->escrow_coin[agent] += price;
    } else {
        state->units[agent][resource]--;
        state->escrow_units[agent][resource]++;
    }
    state->open_orders[agent][resource]++;
    state->labor[agent] += config->order_labor;
    insert(state->orders[resource][side], &state->num_orders[resource][side], side, agent, price);
}

static void execute(const GtbConfig *config, int32_t resource, const Order bid, const Order ask, GtbState *state)
{
    int32_t buyer = bid[AGENT], seller = ask[AGENT], price = bid[AGE] <= ask[AGE] ? ask[PRICE] : bid[PRICE];
    state->open_orders[buyer][resource]--;
    state->open_orders[seller][resource]--;
    state->history[resource][seller * gtb_num_prices(config) + price] += 1;
    state->escrow_units[seller][resource]--;
    state->units[buyer][resource]++;
    state->escrow_coin[buyer] -= bid[PRICE];
    state->coin[seller] += price;
    state->coin[buyer] += bid[PRICE] - price;
    state->num_trades++;
    state->trade_volume += price;
}

static void match(const GtbConfig *config, int32_t resource, GtbState *state)
{
    Order *bids = state->orders[resource][GTB_BIDS], *asks = state->orders[resource][GTB_ASKS];
    int32_t *num_bids = &state->num_orders[resource][GTB_BIDS], *num_asks = &state->num_orders[resource][GTB_ASKS];
    if (*num_bids == 0 || *num_asks == 0 || bids[0][PRICE] < asks[0][PRICE])
        return; /* the best ones are too far apart, so all are */
    bool is_out[GTB_MAX_AGENTS] = {false};
    /* Who is passed over once stays out, so the bids before this one need no second look after a trade. */
    for (int32_t b = 0; b < *num_bids;) {
        int32_t buyer = bids[b][AGENT], a = 0;
        while (a < *num_asks && asks[a][AGENT] == buyer)
            a++;
        if (is_out[buyer] || a == *num_asks || bids[b][PRICE] < asks[a][PRICE]) {
            is_out[buyer] = true;
            b++;
            continue;
        }
        execute(config, resource, bids[b], asks[a], state);
        remove_at(bids, num_bids, b);
        remove_at(asks, num_asks, a);
    }
}

static void expire(const GtbConfig *config, int32_t resource, int32_t side, GtbState *state)
{
    Order *orders = state->orders[resource][side];
    int32_t count = state->num_orders[resource][side], kept = 0;
    for (int32_t k = 0; k < count; k++) {
        int32_t agent = orders[k][AGENT];
        if (orders[k][AGE] < config->order_duration) {
            orders[k][AGE]++;
            if (kept < k)
                memcpy(orders[kept], orders[k], sizeof(Order));
            kept++;
            continue;
        }
        state->open_orders[agent][resource]--;
        if (side == GTB_BIDS) {
            state->escrow_coin[agent] -= orders[k][PRICE];
            state->coin[agent] += orders[k][PRICE];
        } else {
            state->escrow_units[agent][resource]--;
            state->units[agent][resource]++;
        }
    }
    if (kept < count)
        memset(orders[kept], 0, (size_t)(count - kept) * sizeof(Order));
    state->num_orders[resource][side] = kept;
}

void gtb_trade(const GtbConfig *config, const GtbOrder *wishes, GtbState *state)
{
    for (int32_t resource = 0; resource < GTB_RESOURCES; resource++) {
        double *history = state->history[resource];
        for (int32_t k = 0; k < config->num_agents * gtb_num_prices(config); k++)
            history[k] *= FADE;
    }
    for (int32_t agent = 0; agent < config->num_agents; agent++)
        if (wishes[agent].resource >= 0)
            place_order(config, agent, &wishes[agent], state);
    for (int32_t resource = 0; resource < GTB_RESOURCES; resource++)
        match(config, resource, state);
    for (int32_t resource = 0; resource < GTB_RESOURCES; resource++)
        for (int32_t side = 0; side < GTB_SIDES; side++)
            expire(config, resource, side, state);
}
