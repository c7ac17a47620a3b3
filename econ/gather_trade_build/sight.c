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

/* Writes 0 or 1 for each of `count` bits, and up to 3 floats beyond, which are another row's or plane's: four floats at a
 * time take no branches. */
static inline void show_bits(uint64_t bits, int32_t count, float *features)
{
    static const float FLAGS[16][4] = {{0, 0, 0, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {1, 1, 0, 0}, {0, 0, 1, 0}, {1, 0, 1, 0},
                                       {0, 1, 1, 0}, {1, 1, 1, 0}, {0, 0, 0, 1}, {1, 0, 0, 1}, {0, 1, 0, 1}, {1, 1, 0, 1},
                                       {0, 0, 1, 1}, {1, 0, 1, 1}, {0, 1, 1, 1}, {1, 1, 1, 1}};
    for (int32_t k = 0; k < count; k += 4)
        memcpy(features + k, FLAGS[bits >> k & 15], sizeof FLAGS[0]);
}

/* A number for who is there: 1 the observer, i + 2 another worker i. `codes` is 0 or i + 1; bit 0 is the tile `first`. */
static inline void show_owners(uint64_t bits, const uint8_t *codes, int32_t first, int32_t observer, float *features)
{
    for (; bits; bits &= bits - 1) {
        int32_t code = codes[first + __builtin_ctzll(bits)];
        features[__builtin_ctzll(bits)] = code == observer + 1 ? 1 : (float)(code + 1);
    }
}

/* What of the map is seen: `height` rows and `width` columns from (top, left), which may lie off it. */
typedef struct Window {
    int32_t top, left, height, width;
} Window;

/* The bits of a row of the map that lie in a window, the first column of the window first; 0 off the map. */
static inline uint64_t cut(const GtbConfig *config, const Window *window, const int64_t *rows, int32_t y)
{
    int32_t row = window->top + y, left = window->left;
    if (row < 0 || row >= config->height)
        return 0;
    return (uint64_t)rows[row] >> (left > 0 ? left : 0) << (left < 0 ? -left : 0);
}

/* Inline, so that it can be compiled for a fixed width. */
static inline void show_planes(const GtbConfig *config, const GtbState *state, const Window *window, int32_t width,
                               float *features)
{
    for (int32_t plane = 0; plane < PLANES; plane++)
        for (int32_t y = 0; y < window->height; y++, features += width)
            show_bits(cut(config, window, state->planes[plane], y), width, features);
}

/* `observer` -1: the planner. Planes first, each beyond its end; then what lies behind them. */
static void show_window(const GtbConfig *config, const GtbState *state, const Shared *shared, int32_t observer,
                        Window window, bool has_edge, float *features)
{
    int32_t width = window.width, height = window.height, area = height * width;
    if (width == 11) /* the papers' */
        show_planes(config, state, &window, 11, features);
    else
        show_planes(config, state, &window, width, features);
    features += PLANES * area;
    int64_t on_map[GTB_MAX_SIDE];
    for (int32_t row = 0; row < config->height && has_edge; row++)
        on_map[row] = (int64_t)(~(uint64_t)0 >> (64 - config->width));
    for (int32_t y = 0; y < height && has_edge; y++, features += width)
        show_bits(cut(config, &window, on_map, y), width, features);
    memset(features, 0, (size_t)(INDEX_PLANES * area) * sizeof *features);
    uint64_t columns = ~(uint64_t)0 >> (64 - width);
    for (int32_t y = 0; y < height; y++, features += width) {
        int32_t first = (window.top + y) * config->width + window.left;
        show_owners(cut(config, &window, state->planes[GTB_HOUSES], y) & columns, state->owners, first, observer,
                    features);
        show_owners(cut(config, &window, state->planes[GTB_OCCUPIED], y) & columns, shared->occupants, first, observer,
                    features + area);
    }
}

/* `observer` -1: the planner. */
static void show_map(const GtbConfig *config, const GtbState *state, const Shared *shared, int32_t observer,
                     float *features)
{
    show_window(config, state, shared, observer, (Window){0, 0, config->height, config->width}, false, features);
}

static void show_surroundings(const GtbConfig *config, const GtbState *state, const Shared *shared, int32_t agent,
                              float *features)
{
    int32_t side = 2 * config->view + 1;
    const uint8_t *position = state->positions[agent];
    Window window = {position[0] - config->view, position[1] - config->view, side, side};
    show_window(config, state, shared, agent, window, true, features);
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

/* All orders of both sides, asks first, and none of its own; show_own_orders puts right what is an agent's own. */
static float *show_orders(const GtbConfig *config, const Shared *shared, float *features)
{
    for (int32_t side = GTB_SIDES - 1; side >= 0; side--)
        for (int32_t resource = 0; resource < GTB_RESOURCES; resource++)
            features = show(shared->counts[side][resource], gtb_num_prices(config), features);
    return features;
}

/* Moves every order from the others' to the own ones of its agent, in one pass over the orders. */
static void show_own_orders(const GtbConfig *config, const GtbState *state, float *rows)
{
    int32_t prices = gtb_num_prices(config), features = gtb_worker_features(config);
    for (int32_t side = 0; side < GTB_SIDES; side++)
        for (int32_t resource = 0; resource < GTB_RESOURCES; resource++) {
            int32_t block = (GTB_SIDES - 1 - side) * GTB_RESOURCES + resource;
            float *others = rows + window_features(config) + 2 + block * prices, *own = others + 4 * prices + 2;
            for (int32_t k = 0; k < state->num_orders[resource][side]; k++) {
                const uint8_t *order = state->orders[resource][side][k];
                others[order[0] * features + order[1]] -= 1;
                own[order[0] * features + order[1]] += 1;
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
        show_surroundings(config, state, shared, agent, features);
    features += window_features(config);
    *features++ = (float)(state->payments[agent] / config->payment);
    *features++ = (float)state->skills[agent];
    features = show(shared->mean_prices, GTB_RESOURCES, show_orders(config, shared, features));
    memset(features, 0, (size_t)(4 * prices) * sizeof *features);
    features += 4 * prices;
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
    features = show(shared->mean_prices, GTB_RESOURCES, show_orders(config, shared, features));
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
    show_own_orders(config, state, workers->observations);
    show_planner(config, state, &shared, planner->observations);
    if (planner->action_masks)
        tax_planner_mask(&config->tax, &state->tax, planner->action_masks);
    planner->alive[0] = 1;
}
