#include "sight.h"

#include "ground.h"
#include "market.h"

#include <string.h>

static const double UNIT_SCALE = 0.01; /* of coin, units and past trades in observations */
enum { PLANES = GTB_PLANES, INDEX_PLANES = 2 };

/* ---- sizes ---- */

static int32_t map_features(const GtbConfig *config) { return (PLANES + INDEX_PLANES) * config->height * config->width; }

static int32_t window_features(const GtbConfig *config)
{
    int32_t side = 2 * config->view + 1;
    return config->sees_all ? map_features(config) : (PLANES + 1 + INDEX_PLANES) * side * side;
}

int32_t gtb_worker_features(const GtbConfig *config)
{
    int32_t prices = gtb_num_prices(config);
    return window_features(config) + 2 + 4 * prices + 2 + 4 * prices + 2 * prices + 1 +
           tax_num_brackets(&config->tax) + 2 + config->num_agents + 3 + 3 + (config->sees_all ? 0 : 2);
}

static int32_t planner_row(const GtbConfig *config)
{
    return 3 + (config->sees_all ? 0 : 3 + (config->planner_sees_map ? 2 : 0));
}

int32_t gtb_planner_features(const GtbConfig *config)
{
    return (config->planner_sees_map ? map_features(config) : 0) + 6 * gtb_num_prices(config) + 2 +
           tax_num_brackets(&config->tax) + 2 + config->num_agents + 2 + 3 + config->num_agents * planner_row(config);
}

/* ---- what all see alike, worked out once for an observation ---- */

typedef struct Shared {
    float counts[GTB_SIDES][GTB_RESOURCES][GTB_MAX_PRICES]; /* open orders by price */
    float mean_prices[GTB_RESOURCES];
    float history[GTB_RESOURCES][GTB_MAX_PRICES];
    float incomes[GTB_MAX_AGENTS]; /* rising */
    float phase, time;
    uint8_t occupants[GTB_MAX_SIDE * GTB_MAX_SIDE]; /* 0 or agent + 1; set for occupied tiles alone */
} Shared;

static void share_market(const GtbConfig *config, const GtbState *state, Shared *shared)
{
    int32_t prices = gtb_num_prices(config);
    memset(shared->counts, 0, sizeof shared->counts);
    for (int32_t resource = 0; resource < GTB_RESOURCES; resource++) {
        double sums[GTB_MAX_PRICES] = {0}, total = 0, weighted = 0;
        for (int32_t side = 0; side < GTB_SIDES; side++)
            for (int32_t k = 0; k < state->num_orders[resource][side]; k++)
                shared->counts[side][resource][state->orders[resource][side][k][1]] += 1;
        for (int32_t agent = 0; agent < config->num_agents; agent++)
            for (int32_t price = 0; price < prices; price++)
                sums[price] += state->history[resource][agent * prices + price];
        for (int32_t price = 0; price < prices; price++) {
            total += sums[price];
            weighted += price * sums[price];
            shared->history[resource][price] = (float)(sums[price] * UNIT_SCALE);
        }
        shared->mean_prices[resource] = (float)(weighted / (total > 0.001 ? total : 0.001));
    }
}

static void share(const GtbConfig *config, const GtbState *state, Shared *shared)
{
    for (int32_t i = 0; i < config->num_agents; i++) {
        float income = (float)(state->tax.last_incomes[i] / config->tax.period);
        int32_t k = i;
        for (; k > 0 && shared->incomes[k - 1] > income; k--)
            shared->incomes[k] = shared->incomes[k - 1];
        shared->incomes[k] = income;
        shared->occupants[state->positions[i][0] * config->width + state->positions[i][1]] = (uint8_t)(i + 1);
    }
    shared->phase = (float)((double)state->tax.day / config->tax.period);
    shared->time = (float)((double)state->timestep / config->horizon);
    share_market(config, state, shared);
}

/* ---- maps ---- */

/* Writes a 1 for each bit, from `features` on. */
static inline void show_bits(uint64_t bits, float *features)
{
    for (; bits; bits &= bits - 1)
        features[__builtin_ctzll(bits)] = 1;
}

/* A number for who is there: 1 the observer, i + 2 another worker i. `codes` is 0 or i + 1; bit 0 is the tile `first`. */
static inline void show_owners(uint64_t bits, const uint8_t *codes, int32_t first, int32_t observer, float *features)
{
    for (; bits; bits &= bits - 1) {
        int32_t code = codes[first + __builtin_ctzll(bits)];
        features[__builtin_ctzll(bits)] = code == observer + 1 ? 1 : (float)(code + 1);
    }
}

/* The bits of a row from a column on, which may lie before the first one. */
static inline uint64_t cut(int64_t row, int32_t first, uint64_t mask)
{
    return (first >= 0 ? (uint64_t)row >> first : (uint64_t)row << -first) & mask;
}

static void show_window(const GtbConfig *config, const GtbState *state, const Shared *shared, int32_t agent,
                        float *features)
{
    int32_t side = 2 * config->view + 1, area = side * side, width = config->width;
    int32_t top = state->positions[agent][0] - config->view, left = state->positions[agent][1] - config->view;
    uint64_t mask = ((uint64_t)1 << side) - 1, on_map = cut((int64_t)(~(uint64_t)0 >> (64 - width)), left, mask);
    memset(features, 0, (size_t)((PLANES + 1 + INDEX_PLANES) * area) * sizeof *features);
    for (int32_t y = 0; y < side; y++) {
        int32_t row = top + y;
        if (row < 0 || row >= config->height)
            continue;
        float *out = features + y * side;
        for (int32_t plane = 0; plane < PLANES; plane++)
            show_bits(cut(state->planes[plane][row], left, mask), out + plane * area);
        show_bits(on_map, out + PLANES * area);
        show_owners(cut(state->planes[GTB_HOUSES][row], left, mask), state->owners, row * width + left, agent,
                    out + (PLANES + 1) * area);
        show_owners(cut(state->planes[GTB_OCCUPIED][row], left, mask), shared->occupants, row * width + left, agent,
                    out + (PLANES + 2) * area);
    }
}

/* `observer` -1: the planner. */
static void show_map(const GtbConfig *config, const GtbState *state, const Shared *shared, int32_t observer,
                     float *features)
{
    int32_t width = config->width, area = config->height * width;
    memset(features, 0, (size_t)map_features(config) * sizeof *features);
    for (int32_t row = 0; row < config->height; row++) {
        float *out = features + row * width;
        for (int32_t plane = 0; plane < PLANES; plane++)
            show_bits((uint64_t)state->planes[plane][row], out + plane * area);
        show_owners((uint64_t)state->planes[GTB_HOUSES][row], state->owners, row * width, observer,
                    out + PLANES * area);
        show_owners((uint64_t)state->planes[GTB_OCCUPIED][row], shared->occupants, row * width, observer,
                    out + (PLANES + 1) * area);
    }
}

/* ---- vectors ---- */

static float *show(const float *numbers, int32_t count, float *features)
{
    memcpy(features, numbers, (size_t)count * sizeof *numbers);
    return features + count;
}

static float *show_taxes(const GtbConfig *config, const GtbState *state, const Shared *shared, float *features)
{
    for (int32_t b = 0; b < tax_num_brackets(&config->tax); b++)
        *features++ = (float)state->tax.rates[b];
    *features++ = state->tax.day == 1;
    *features++ = state->tax.day == config->tax.period;
    return show(shared->incomes, config->num_agents, features);
}

static float *show_inventory(const GtbState *state, int32_t agent, float *features)
{
    *features++ = (float)(state->coin[agent] * UNIT_SCALE);
    *features++ = (float)(state->units[agent][GTB_STONE] * UNIT_SCALE);
    *features++ = (float)(state->units[agent][GTB_WOOD] * UNIT_SCALE);
    return features;
}

static float *show_place(const GtbConfig *config, const GtbState *state, int32_t agent, float *features)
{
    *features++ = (float)((double)state->positions[agent][1] / config->width);
    *features++ = (float)((double)state->positions[agent][0] / config->height);
    return features;
}

static float marginal_rate_now(const GtbConfig *config, const GtbState *state, int32_t agent)
{
    double income = state->coin[agent] + state->escrow_coin[agent] - state->tax.last_coin[agent];
    return (float)tax_marginal_rate(&config->tax, state->tax.rates, income);
}

/* Others' orders into `features`, own ones into `own`: asks, then bids; stone, then wood. */
static void show_orders(const GtbConfig *config, const GtbState *state, const Shared *shared, int32_t agent,
                        float *features, float *own)
{
    int32_t prices = gtb_num_prices(config);
    for (int32_t side = GTB_SIDES - 1; side >= 0; side--)
        for (int32_t resource = 0; resource < GTB_RESOURCES; resource++, features += prices, own += prices) {
            memcpy(features, shared->counts[side][resource], (size_t)prices * sizeof *features);
            memset(own, 0, (size_t)prices * sizeof *own);
            if (state->open_orders[agent][resource] == 0)
                continue;
            for (int32_t k = 0; k < state->num_orders[resource][side]; k++) {
                const uint8_t *order = state->orders[resource][side][k];
                own[order[1]] += order[0] == agent;
                features[order[1]] -= order[0] == agent;
            }
        }
}

static void show_worker(const GtbConfig *config, const GtbState *state, const Shared *shared, int32_t agent,
                        float *features)
{
    int32_t prices = gtb_num_prices(config);
    if (config->sees_all)
        show_map(config, state, shared, agent, features);
    else
        show_window(config, state, shared, agent, features);
    features += window_features(config);
    *features++ = (float)(state->payments[agent] / config->payment);
    *features++ = (float)state->skills[agent];
    show_orders(config, state, shared, agent, features, features + 4 * prices + 2);
    features = show(shared->mean_prices, GTB_RESOURCES, features + 4 * prices) + 4 * prices;
    for (int32_t resource = 0; resource < GTB_RESOURCES; resource++)
        features = show(shared->history[resource], prices, features);
    *features++ = (float)state->second_units[agent];
    features = show_taxes(config, state, shared, features);
    *features++ = marginal_rate_now(config, state, agent);
    *features++ = shared->phase;
    *features++ = shared->time;
    features = show_inventory(state, agent, features);
    if (!config->sees_all)
        show_place(config, state, agent, features);
}

static void show_planner(const GtbConfig *config, const GtbState *state, const Shared *shared, float *features)
{
    int32_t prices = gtb_num_prices(config);
    if (config->planner_sees_map) {
        show_map(config, state, shared, -1, features);
        features += map_features(config);
    }
    for (int32_t side = GTB_SIDES - 1; side >= 0; side--)
        for (int32_t resource = 0; resource < GTB_RESOURCES; resource++)
            features = show(shared->counts[side][resource], prices, features);
    features = show(shared->mean_prices, GTB_RESOURCES, features);
    for (int32_t resource = 0; resource < GTB_RESOURCES; resource++)
        features = show(shared->history[resource], prices, features);
    features = show_taxes(config, state, shared, features);
    *features++ = shared->phase;
    *features++ = shared->time;
    memset(features, 0, 3 * sizeof *features);
    features += 3;
    for (int32_t agent = 0; agent < config->num_agents; agent++) {
        *features++ = marginal_rate_now(config, state, agent);
        *features++ = (float)(state->tax.last_incomes[agent] / config->tax.period);
        *features++ = (float)state->tax.last_marginal_rates[agent];
        if (!config->sees_all)
            features = show_inventory(state, agent, features);
        if (!config->sees_all && config->planner_sees_map)
            features = show_place(config, state, agent, features);
    }
}

/* ---- masks ---- */

static void mask_worker(const GtbConfig *config, const GtbState *state, int32_t agent, uint8_t *mask)
{
    int32_t prices = gtb_num_prices(config);
    *mask++ = 1;
    *mask++ = gtb_can_build(config, state, agent);
    int32_t payable = state->coin[agent] >= config->max_bid_ask ? prices : (int32_t)state->coin[agent] + 1;
    for (int32_t resource = 0; resource < GTB_RESOURCES; resource++, mask += 2 * prices) {
        bool is_free = gtb_can_order(config, state, agent, resource);
        memset(mask, 0, (size_t)prices);
        memset(mask, is_free, (size_t)payable);
        memset(mask + prices, is_free && state->units[agent][resource] > 0, (size_t)prices);
    }
    for (int32_t direction = 0; direction < 4; direction++) {
        int32_t row = state->positions[agent][0] + GTB_DIRECTIONS[direction][1];
        int32_t column = state->positions[agent][1] + GTB_DIRECTIONS[direction][0];
        *mask++ = gtb_can_enter(config, state, agent, row, column);
    }
}

void gtb_observe(const GtbConfig *config, const GtbState *state, AgoraView *workers, AgoraView *planner)
{
    Shared shared;
    size_t features = (size_t)gtb_worker_features(config), actions = (size_t)gtb_num_actions(config);
    share(config, state, &shared);
    for (int32_t agent = 0; agent < config->num_agents; agent++) {
        show_worker(config, state, &shared, agent, (float *)workers->observations + (size_t)agent * features);
        mask_worker(config, state, agent, workers->action_masks + (size_t)agent * actions);
        workers->alive[agent] = 1;
    }
    show_planner(config, state, &shared, planner->observations);
    if (planner->action_masks)
        tax_planner_mask(&config->tax, &state->tax, planner->action_masks);
    planner->alive[0] = 1;
}
