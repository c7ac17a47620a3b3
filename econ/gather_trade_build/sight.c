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
    /* As a worker sees it: [2, 2, P] all orders, asks first, by resource and price; [2] mean prices; [2, 2, P] room for its
     * own orders; [2, P] past trades. */
    float market[10 * GTB_MAX_PRICES + GTB_RESOURCES];
    float taxes[TAX_MAX_BRACKETS + 2 + GTB_MAX_AGENTS]; /* rates; first day, last day; incomes, rising */
    float marginal_rates[GTB_MAX_AGENTS];               /* at each one's income so far */
    float phase, time;
    uint8_t occupants[GTB_MAX_SIDE * GTB_MAX_SIDE]; /* 0 or agent + 1; set for occupied tiles alone */
} Shared;

static int32_t market_features(const GtbConfig *config) { return 10 * gtb_num_prices(config) + GTB_RESOURCES; }
static int32_t tax_features(const GtbConfig *config) { return tax_num_brackets(&config->tax) + 2 + config->num_agents; }

/* Where orders stand among those of a market. */
static int32_t order_block(int32_t side, int32_t resource) { return (GTB_SIDES - 1 - side) * GTB_RESOURCES + resource; }

static void share_market(const GtbConfig *config, const GtbState *state, float *market)
{
    int32_t prices = gtb_num_prices(config);
    memset(market, 0, (size_t)market_features(config) * sizeof *market);
    for (int32_t resource = 0; resource < GTB_RESOURCES; resource++) {
        double sums[GTB_MAX_PRICES] = {0}, total = 0, weighted = 0;
        for (int32_t side = 0; side < GTB_SIDES; side++)
            for (int32_t k = 0; k < state->num_orders[resource][side]; k++)
                market[order_block(side, resource) * prices + state->orders[resource][side][k][1]] += 1;
        for (int32_t agent = 0; agent < config->num_agents; agent++)
            for (int32_t price = 0; price < prices; price++)
                sums[price] += state->history[resource][agent * prices + price];
        for (int32_t price = 0; price < prices; price++) {
            total += sums[price];
            weighted += price * sums[price];
            market[(8 + resource) * prices + GTB_RESOURCES + price] = (float)(sums[price] * UNIT_SCALE);
        }
        market[4 * prices + resource] = (float)(weighted / (total > 0.001 ? total : 0.001));
    }
}

static void share_taxes(const GtbConfig *config, const GtbState *state, float *taxes)
{
    for (int32_t b = 0; b < tax_num_brackets(&config->tax); b++)
        *taxes++ = (float)state->tax.rates[b];
    *taxes++ = state->tax.day == 1;
    *taxes++ = state->tax.day == config->tax.period;
    for (int32_t i = 0; i < config->num_agents; i++) {
        float income = (float)(state->tax.last_incomes[i] / config->tax.period);
        int32_t k = i;
        for (; k > 0 && taxes[k - 1] > income; k--)
            taxes[k] = taxes[k - 1];
        taxes[k] = income;
    }
}

static void share(const GtbConfig *config, const GtbState *state, Shared *shared)
{
    for (int32_t i = 0; i < config->num_agents; i++) {
        double income = state->coin[i] + state->escrow_coin[i] - state->tax.last_coin[i];
        shared->marginal_rates[i] = (float)tax_marginal_rate(&config->tax, state->tax.rates, income);
        shared->occupants[state->positions[i][0] * config->width + state->positions[i][1]] = (uint8_t)(i + 1);
    }
    shared->phase = (float)((double)state->tax.day / config->tax.period);
    shared->time = (float)((double)state->timestep / config->horizon);
    share_taxes(config, state, shared->taxes);
    share_market(config, state, shared->market);
}

/* ---- maps ---- */

/* What of the map is seen: `height` rows and `width` columns from (top, left), which may lie off it; rows first to last - 1
 * lie on it. */
typedef struct Window {
    int32_t top, left, height, width, first, last;
} Window;

static Window make_window(const GtbConfig *config, int32_t top, int32_t left, int32_t height, int32_t width)
{
    int32_t below = config->height - top;
    return (Window){top, left, height, width, top < 0 ? -top : 0, below < height ? below : height};
}

/* The columns of a row of the map that lie in a window, the leftmost first. */
static inline uint64_t cut(const Window *window, int64_t row, int32_t width)
{
    int32_t left = window->left;
    return (uint64_t)row >> (left > 0 ? left : 0) << (left < 0 ? -left : 0) & ~(uint64_t)0 >> (64 - width);
}

static inline void show_bits(uint64_t bits, float *features)
{
    for (; bits; bits &= bits - 1)
        features[__builtin_ctzll(bits)] = 1;
}

/* Writes the ones of a plane into zeros. Most planes are sparse, so as many rows as fit a word are looked through at once.
 * Inline, so that it can be compiled for a fixed width. */
static inline void show_plane(const Window *window, const int64_t *rows, int32_t width, float *features)
{
    uint64_t word = 0;
    int32_t filled = 0;
    features += window->first * width;
    for (int32_t y = window->first; y < window->last; y++, filled += width) {
        if (filled + width > 64) {
            show_bits(word, features);
            features += filled;
            word = 0;
            filled = 0;
        }
        word |= cut(window, rows[window->top + y], width) << filled;
    }
    show_bits(word, features);
}

static inline void show_planes(const GtbState *state, const Window *window, int32_t width, float *features)
{
    for (int32_t plane = 0; plane < PLANES; plane++)
        show_plane(window, state->planes[plane], width, features + plane * window->height * width);
}

/* Writes ones where a window lies on the map. */
static void show_edge(const GtbConfig *config, const Window *window, float *features)
{
    int32_t first = window->left < 0 ? -window->left : 0, beyond = config->width - window->left;
    int32_t last = beyond < window->width ? beyond : window->width;
    for (int32_t y = window->first; y < window->last; y++)
        for (int32_t x = first; x < last; x++)
            features[y * window->width + x] = 1;
}

/* A number for who is there: 1 the observer, i + 2 another worker i. `codes` is 0 or i + 1; bit 0 is the tile `first`. */
static inline void show_owners(uint64_t bits, const uint8_t *codes, int32_t first, int32_t observer, float *features)
{
    for (; bits; bits &= bits - 1) {
        int32_t code = codes[first + __builtin_ctzll(bits)];
        features[__builtin_ctzll(bits)] = code == observer + 1 ? 1 : (float)(code + 1);
    }
}

/* `observer` -1: the planner. */
static void show_window(const GtbConfig *config, const GtbState *state, const Shared *shared, int32_t observer,
                        Window window, bool has_edge, float *features)
{
    int32_t area = window.height * window.width;
    memset(features, 0, (size_t)((PLANES + has_edge + INDEX_PLANES) * area) * sizeof *features);
    if (window.width == 11) /* the papers' */
        show_planes(state, &window, 11, features);
    else
        show_planes(state, &window, window.width, features);
    features += PLANES * area;
    if (has_edge) {
        show_edge(config, &window, features);
        features += area;
    }
    for (int32_t y = window.first; y < window.last; y++) {
        int32_t row = window.top + y, first = row * config->width + window.left;
        float *owners = features + y * window.width;
        show_owners(cut(&window, state->planes[GTB_HOUSES][row], window.width), state->owners, first, observer, owners);
        show_owners(cut(&window, state->planes[GTB_OCCUPIED][row], window.width), shared->occupants, first, observer,
                    owners + area);
    }
}

/* `observer` -1: the planner. */
static void show_map(const GtbConfig *config, const GtbState *state, const Shared *shared, int32_t observer,
                     float *features)
{
    Window window = make_window(config, 0, 0, config->height, config->width);
    show_window(config, state, shared, observer, window, false, features);
}

static void show_surroundings(const GtbConfig *config, const GtbState *state, const Shared *shared, int32_t agent,
                              float *features)
{
    int32_t side = 2 * config->view + 1;
    const uint8_t *position = state->positions[agent];
    Window window = make_window(config, position[0] - config->view, position[1] - config->view, side, side);
    show_window(config, state, shared, agent, window, true, features);
}

/* ---- vectors ---- */

static float *show(const float *numbers, int32_t count, float *features)
{
    memcpy(features, numbers, (size_t)count * sizeof *numbers);
    return features + count;
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

/* Moves every order from the others' to the own ones of its agent, in one pass over the orders. */
static void show_own_orders(const GtbConfig *config, const GtbState *state, float *rows)
{
    int32_t prices = gtb_num_prices(config), features = gtb_worker_features(config);
    for (int32_t side = 0; side < GTB_SIDES; side++)
        for (int32_t resource = 0; resource < GTB_RESOURCES; resource++) {
            float *others = rows + window_features(config) + 2 + order_block(side, resource) * prices;
            float *own = others + 4 * prices + GTB_RESOURCES;
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
    if (config->sees_all)
        show_map(config, state, shared, agent, features);
    else
        show_surroundings(config, state, shared, agent, features);
    features += window_features(config);
    *features++ = (float)(state->payments[agent] / config->payment);
    *features++ = (float)state->skills[agent];
    features = show(shared->market, market_features(config), features);
    *features++ = (float)state->second_units[agent];
    features = show(shared->taxes, tax_features(config), features);
    *features++ = shared->marginal_rates[agent];
    *features++ = shared->phase;
    *features++ = shared->time;
    features = show_inventory(state, agent, features);
    if (!config->sees_all)
        show_place(config, state, agent, features);
}

static void show_planner(const GtbConfig *config, const GtbState *state, const Shared *shared, float *features)
{
    int32_t prices = gtb_num_prices(config), orders = 4 * prices + GTB_RESOURCES;
    if (config->planner_sees_map) {
        show_map(config, state, shared, -1, features);
        features += map_features(config);
    }
    features = show(shared->market, orders, features);
    features = show(shared->market + orders + 4 * prices, 2 * prices, features);
    features = show(shared->taxes, tax_features(config), features);
    *features++ = shared->phase;
    *features++ = shared->time;
    memset(features, 0, 3 * sizeof *features);
    features += 3;
    for (int32_t agent = 0; agent < config->num_agents; agent++) {
        *features++ = shared->marginal_rates[agent];
        *features++ = (float)(state->tax.last_incomes[agent] / config->tax.period);
        *features++ = (float)state->tax.last_marginal_rates[agent];
        if (!config->sees_all)
            features = show_inventory(state, agent, features);
        if (!config->sees_all && config->planner_sees_map)
            features = show_place(config, state, agent, features);
    }
}

/* ---- masks ---- */

/* Writes a byte of 0 or 1 for each of the `count` lowest bits, and up to 3 more, which belong to what comes next. */
static inline uint8_t *mask_bits(uint64_t bits, int32_t count, uint8_t *mask)
{
    static const uint8_t FLAGS[16][4] = {{0, 0, 0, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {1, 1, 0, 0}, {0, 0, 1, 0}, {1, 0, 1, 0},
                                         {0, 1, 1, 0}, {1, 1, 1, 0}, {0, 0, 0, 1}, {1, 0, 0, 1}, {0, 1, 0, 1}, {1, 1, 0, 1},
                                         {0, 0, 1, 1}, {1, 0, 1, 1}, {0, 1, 1, 1}, {1, 1, 1, 1}};
    for (int32_t k = 0; k < count; k += 4)
        memcpy(mask + k, FLAGS[bits >> k & 15], sizeof FLAGS[0]);
    return mask + count;
}

static void mask_worker(const GtbConfig *config, const GtbState *state, int32_t agent, uint8_t *mask)
{
    int32_t prices = gtb_num_prices(config);
    double coin = state->coin[agent]; /* just below 0 where shared wealth was rounded */
    int32_t num_payable = coin < 0 ? 0 : coin < prices - 1 ? (int32_t)coin + 1 : prices;
    uint64_t all = ((uint64_t)1 << prices) - 1, payable = ((uint64_t)1 << num_payable) - 1, directions = 0;
    *mask++ = 1;
    *mask++ = gtb_can_build(config, state, agent);
    for (int32_t resource = 0; resource < GTB_RESOURCES; resource++) {
        uint64_t is_free = gtb_can_order(config, state, agent, resource);
        mask = mask_bits(is_free * payable, prices, mask);
        mask = mask_bits(is_free * (state->units[agent][resource] > 0) * all, prices, mask);
    }
    for (int32_t direction = 0; direction < 4; direction++) {
        int32_t row = state->positions[agent][0] + GTB_DIRECTIONS[direction][1];
        int32_t column = state->positions[agent][1] + GTB_DIRECTIONS[direction][0];
        directions |= (uint64_t)gtb_can_enter(config, state, agent, row, column) << direction;
    }
    mask_bits(directions, 4, mask);
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
