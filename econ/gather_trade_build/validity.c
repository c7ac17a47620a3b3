#include "validity.h"

#include "../welfare/social.h"
#include "ground.h"
#include "market.h"

#include <math.h>
#include <string.h>

static const double MAX_RATE = 1e6; /* coin a house, labor of an action: far beyond any economy */

/* ---- config ---- */

static bool check_number(const char *name, double value, double low, double high, AgoraError *error)
{
    return (value >= low && value <= high) ||
           agora_fail(error, "%s must be in [%g, %g], got %g", name, low, high, value);
}

static int32_t count_free(const uint8_t *tiles, int32_t count)
{
    int32_t num_free = 0;
    for (int32_t tile = 0; tile < count; tile++)
        num_free += tiles[tile] != GTB_WATER;
    return num_free;
}

static bool check_corners(const GtbConfig *config, const uint8_t *tiles, AgoraError *error)
{
    bool is_taken[GTB_MAX_SIDE * GTB_MAX_SIDE] = {false};
    for (int32_t rank = 0; rank < config->num_agents; rank++) {
        int32_t tile = ((const int32_t *)config->ranked_tiles.data)[rank];
        if (tile < 0 || tile >= config->height * config->width || tiles[tile] == GTB_WATER || is_taken[tile])
            return agora_fail(error, "ranked_tiles[%d] must be a tile of its own without water, got %d", rank, tile);
        is_taken[tile] = true;
    }
    return true;
}

static bool check_split(const GtbConfig *config, const uint8_t *tiles, AgoraError *error)
{
    int32_t above = config->split_row * config->width, all = config->height * config->width, tops = 0;
    for (int32_t rank = 0; rank < config->num_agents; rank++)
        tops += ((const uint8_t *)config->ranked_tops.data)[rank] != 0;
    if (count_free(tiles, above) < tops ||
        count_free(tiles + above + config->width, all - above - config->width) < config->num_agents - tops)
        return agora_fail(error, "split_row %d leaves no room for %d agents above or %d below", config->split_row, tops,
                          config->num_agents - tops);
    return true;
}

/* Tiles, and room for everybody, on one map. */
static bool check_map(const GtbConfig *config, const uint8_t *tiles, AgoraError *error)
{
    int32_t count = config->height * config->width;
    for (int32_t tile = 0; tile < count; tile++)
        if (tiles[tile] >= GTB_NUM_TILES)
            return agora_fail(error, "layout: row %d, column %d: unknown tile %d", tile / config->width,
                              tile % config->width, tiles[tile]);
    if (count_free(tiles, count) < config->num_agents)
        return agora_fail(error, "%d agents need as many tiles without water, there are %d", config->num_agents,
                          count_free(tiles, count));
    if (config->starts == GTB_RANKED_STARTS)
        return check_corners(config, tiles, error);
    return config->starts != GTB_SPLIT_STARTS || check_split(config, tiles, error);
}

static bool check_layout(const GtbConfig *config, AgoraError *error)
{
    int32_t count = config->height * config->width;
    if (config->layout.count < count || config->layout.count % count != 0 || config->layout.count / count > GTB_MAX_MAPS)
        return agora_fail(error, "layout must have 1 to %d maps of %d tiles, got %lld in all", GTB_MAX_MAPS, count,
                          (long long)config->layout.count);
    for (int64_t first = 0; first < config->layout.count; first += count)
        if (!check_map(config, (const uint8_t *)config->layout.data + first, error))
            return false;
    return true;
}

static bool check_ranks(const GtbConfig *config, AgoraError *error)
{
    int32_t starts = config->starts, n = config->num_agents;
    if (starts < 0 || starts >= GTB_NUM_STARTS)
        return agora_fail(error, "starts must be in [0, %d], got %d", GTB_NUM_STARTS - 1, starts);
    if (starts == GTB_RANKED_STARTS && config->ranked_tiles.count != n)
        return agora_fail(error, "ranked_tiles must have %d entries", n);
    if (starts == GTB_SPLIT_STARTS && (config->ranked_tops.count != n || config->split_row < 1 || config->split_row > config->height - 2))
        return agora_fail(error, "ranked_tops must have %d entries, split_row must be in [1, %d]", n, config->height - 2);
    if (starts != GTB_RANDOM_STARTS && config->ranked_payments.count != n)
        return agora_fail(error, "ranked_payments must have %d entries", n);
    for (int64_t rank = 0; rank < config->ranked_payments.count; rank++)
        if (!check_number("ranked_payments", ((const double *)config->ranked_payments.data)[rank], 0, MAX_RATE, error))
            return false;
    return true;
}

static bool check_streams(const GtbConfig *config, AgoraError *error)
{
    const int32_t *words = config->numpy_streams.data;
    if (config->numpy_streams.count % GTB_NUMPY_WORDS != 0)
        return agora_fail(error, "numpy_streams must have %d words a row, got %lld in all", GTB_NUMPY_WORDS,
                          (long long)config->numpy_streams.count);
    for (int64_t start = 0; start < config->numpy_streams.count; start += GTB_NUMPY_WORDS) {
        int32_t position = words[start + GTB_NUMPY_WORDS - 1];
        if (position < 0 || position > GTB_NUMPY_WORDS - 1)
            return agora_fail(error, "numpy_streams: a position must be in [0, 624], got %d", position);
        /* 0 but for the bits of the first word that the generator never uses: it would say 0 for ever. */
        if (words[start] >= 0 && tax_is_blank(words + start + 1, (GTB_NUMPY_WORDS - 2) * sizeof *words))
            return agora_fail(error, "numpy_streams: a key must not be 0");
    }
    return true;
}

static bool check_sizes(const GtbConfig *config, AgoraError *error)
{
    if (!(check_number("height", config->height, 1, GTB_MAX_SIDE, error) &&
          check_number("width", config->width, 1, GTB_MAX_SIDE, error) &&
          check_number("num_agents", config->num_agents, 1, GTB_MAX_AGENTS, error) &&
          check_number("max_bid_ask", config->max_bid_ask, 0, GTB_MAX_PRICES - 1, error) &&
          check_number("max_orders", config->max_orders, 0, GTB_MAX_ORDERS, error) &&
          check_number("order_duration", config->order_duration, 0, GTB_MAX_DURATION, error) &&
          check_number("view", config->view, 0, GTB_MAX_VIEW, error) &&
          check_number("horizon", config->horizon, 1, INT32_MAX, error)))
        return false;
    if (config->num_agents * gtb_num_prices(config) > GTB_MAX_HISTORY)
        return agora_fail(error, "%d agents and %d prices are more than %d together", config->num_agents,
                          gtb_num_prices(config), GTB_MAX_HISTORY);
    if (config->num_agents * config->max_orders > GTB_MAX_ORDERS || config->max_orders > 255)
        return agora_fail(error, "%d agents with %d orders each are more than %d together", config->num_agents,
                          config->max_orders, GTB_MAX_ORDERS);
    return true;
}

bool gtb_check_config(const void *config_bytes, AgoraError *error)
{
    const GtbConfig *config = config_bytes;
    return check_sizes(config, error) && check_ranks(config, error) && check_layout(config, error) &&
           check_number("build_skills", config->build_skills, 0, GTB_NUM_SKILLS - 1, error) &&
           check_number("gather_skills", config->gather_skills, 0, GTB_NUM_SKILLS - 1, error) &&
           check_number("payment", config->payment, 1e-6, MAX_RATE, error) &&
           check_number("max_skill", config->max_skill, 1, MAX_RATE, error) &&
           check_number("build_labor", config->build_labor, 0, MAX_RATE, error) &&
           check_number("move_labor", config->move_labor, 0, MAX_RATE, error) &&
           check_number("gather_labor", config->gather_labor, 0, MAX_RATE, error) &&
           check_number("order_labor", config->order_labor, 0, MAX_RATE, error) &&
           check_number("starting_coin", config->starting_coin, 0, MAX_RATE, error) &&
           check_number("regrowth_probability", config->regrowth_probability, 0, 1, error) &&
           check_number("isoelastic_eta", config->isoelastic_eta, 0, 1, error) &&
           check_number("labor_cost", config->labor_cost, 0, MAX_RATE, error) &&
           check_number("labor_weight", config->labor_weight, 0, 1, error) &&
           check_number("objective", config->objective, 0, WELFARE_NUM_OBJECTIVES - 1, error) &&
           check_number("equality_weight", config->equality_weight, 0, 1, error) &&
           check_number("sees_all", config->sees_all, 0, 1, error) &&
           check_number("planner_sees_map", config->planner_sees_map, 0, 1, error) &&
           check_number("shares_wealth", config->shares_wealth, 0, 1, error) && check_streams(config, error) &&
           tax_check_config(&config->tax, error);
}

/* ---- state ---- */

static bool check_planes(const GtbConfig *config, const GtbState *state, AgoraError *error)
{
    uint64_t columns = ~(uint64_t)0 >> (64 - config->width);
    for (int32_t plane = 0; plane < GTB_STATE_PLANES; plane++)
        for (int32_t row = 0; row < GTB_MAX_SIDE; row++)
            if ((uint64_t)state->planes[plane][row] & ~(row < config->height ? columns : 0))
                return agora_fail(error, "planes[%d, %d] has tiles off the map", plane, row);
    for (int32_t row = 0; row < config->height; row++) {
        for (int32_t resource = 0; resource < GTB_RESOURCES; resource++)
            if (state->planes[GTB_STONE_UNITS + resource][row] & ~state->planes[GTB_STONE_SOURCES + resource][row])
                return agora_fail(error, "planes[%d, %d] has units where no source is", GTB_STONE_UNITS + resource, row);
        for (int32_t column = 0; column < config->width; column++) {
            uint8_t owner = state->owners[row * config->width + column];
            if (owner > config->num_agents || (owner > 0) != gtb_bit(state->planes[GTB_HOUSES], row, column))
                return agora_fail(error, "owners[%d, %d] must be a worker where a house is, got %d", row, column, owner);
        }
    }
    size_t tiles = (size_t)(config->height * config->width);
    return tax_is_blank(state->owners + tiles, sizeof state->owners - tiles) ||
           agora_fail(error, "owners must be 0 beyond the map");
}

static bool check_places(const GtbConfig *config, const GtbState *state, AgoraError *error)
{
    int64_t seen[GTB_MAX_SIDE] = {0};
    for (int32_t i = 0; i < config->num_agents; i++) {
        int32_t row = state->positions[i][0], column = state->positions[i][1];
        if (row >= config->height || column >= config->width || gtb_bit(seen, row, column))
            return agora_fail(error, "positions[%d] must be a tile of its own, got (%d, %d)", i, row, column);
        gtb_set(seen, row, column);
    }
    if (memcmp(seen, state->planes[GTB_OCCUPIED], sizeof seen) != 0)
        return agora_fail(error, "planes[%d] must be the places of the workers", GTB_OCCUPIED);
    size_t unused = (size_t)(GTB_MAX_AGENTS - config->num_agents);
    return tax_is_blank(state->positions + config->num_agents, 2 * unused) ||
           agora_fail(error, "positions must be 0 beyond the workers");
}

/* What the open orders hold in escrow, and how many there are. */
typedef struct Held {
    double coin[GTB_MAX_AGENTS];
    int32_t units[GTB_RESOURCES][GTB_MAX_AGENTS], orders[GTB_RESOURCES][GTB_MAX_AGENTS];
} Held;

/* Whether an order may stand behind another one of its side. */
static bool is_behind(int32_t side, const uint8_t *first, const uint8_t *second)
{
    if (first[1] != second[1])
        return side == GTB_BIDS ? first[1] > second[1] : first[1] < second[1];
    return first[2] > second[2] || (first[2] == second[2] && first[0] < second[0]);
}

static bool check_side(const GtbConfig *config, const GtbState *state, int32_t resource, int32_t side, Held *held,
                       AgoraError *error)
{
    int32_t count = state->num_orders[resource][side];
    if (count < 0 || count > config->num_agents * config->max_orders)
        return agora_fail(error, "num_orders[%d, %d] must be in [0, %d], got %d", resource, side,
                          config->num_agents * config->max_orders, count);
    const uint8_t(*orders)[4] = state->orders[resource][side];
    for (int32_t k = 0; k < count; k++) {
        const uint8_t *order = orders[k];
        if (order[0] >= config->num_agents || order[1] > config->max_bid_ask || order[2] > config->order_duration ||
            order[3] != 0 || (k > 0 && !is_behind(side, orders[k - 1], order)))
            return agora_fail(error, "orders[%d, %d, %d] is no order, or out of order", resource, side, k);
        held->orders[resource][order[0]]++;
        held->units[resource][order[0]] += side == GTB_ASKS;
        held->coin[order[0]] += side == GTB_BIDS ? order[1] : 0;
    }
    return tax_is_blank(orders + count, (size_t)(GTB_MAX_ORDERS - count) * sizeof orders[0]) ||
           agora_fail(error, "orders[%d, %d] must be 0 beyond the %d open ones", resource, side, count);
}

static bool check_market(const GtbConfig *config, const GtbState *state, AgoraError *error)
{
    Held held = {0};
    for (int32_t resource = 0; resource < GTB_RESOURCES; resource++)
        for (int32_t side = 0; side < GTB_SIDES; side++)
            if (!check_side(config, state, resource, side, &held, error))
                return false;
    for (int32_t i = 0; i < GTB_MAX_AGENTS; i++) {
        if (!(state->escrow_coin[i] == held.coin[i])) /* whole numbers */
            return agora_fail(error, "escrow_coin[%d] must be what its bids hold, got %g", i, state->escrow_coin[i]);
        for (int32_t r = 0; r < GTB_RESOURCES; r++)
            if (state->escrow_units[i][r] != held.units[r][i] || state->open_orders[i][r] != held.orders[r][i] ||
                held.orders[r][i] > config->max_orders)
                return agora_fail(error, "escrow_units[%d, %d] and open_orders must be those of its orders", i, r);
    }
    int32_t used = config->num_agents * gtb_num_prices(config);
    for (int32_t r = 0; r < GTB_RESOURCES; r++) {
        for (int32_t k = 0; k < used; k++)
            if (!(state->history[r][k] >= 0 && state->history[r][k] <= TAX_MAX_COIN))
                return agora_fail(error, "past trades must be in [0, %g], got %g", TAX_MAX_COIN, state->history[r][k]);
        if (!tax_is_blank(state->history[r] + used, (size_t)(GTB_MAX_HISTORY - used) * sizeof(double)))
            return agora_fail(error, "past trades must be 0 beyond the workers");
    }
    return true;
}

static bool check_workers(const GtbConfig *config, const GtbState *state, AgoraError *error)
{
    const struct {
        const char *name;
        const double *values;
        double low, high;
    } rows[] = {{"coin", state->coin, config->shares_wealth ? -TAX_MAX_COIN : 0, TAX_MAX_COIN},
                {"labor", state->labor, 0, TAX_MAX_COIN},
                {"utilities", state->utilities, -1e24, 1e24},
                {"payments", state->payments, 0, MAX_RATE * MAX_RATE},
                {"skills", state->skills, 0, 1e24},
                {"second_units", state->second_units, 0, 1}};
    size_t unused = (size_t)(GTB_MAX_AGENTS - config->num_agents);
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        for (int32_t i = 0; i < config->num_agents; i++)
            if (!(rows[k].values[i] >= rows[k].low && rows[k].values[i] <= rows[k].high))
                return agora_fail(error, "%s[%d] must be in [%g, %g], got %g", rows[k].name, i, rows[k].low,
                                  rows[k].high, rows[k].values[i]);
        if (!tax_is_blank(rows[k].values + config->num_agents, unused * sizeof(double)))
            return agora_fail(error, "%s must be 0 beyond the workers", rows[k].name);
    }
    for (int32_t resource = 0; resource < GTB_RESOURCES; resource++)
        for (int32_t i = 0; i < GTB_MAX_AGENTS; i++)
            if (state->units[i][resource] < 0 ||
                state->units[i][resource] > (i < config->num_agents ? GTB_MAX_COUNT : 0))
                return agora_fail(error, "units[%d, %d] must be in [0, %d], got %d", i, resource, GTB_MAX_COUNT,
                                  state->units[i][resource]);
    return true;
}

bool gtb_check_state(const AgoraContext *context, const void *state_bytes, AgoraError *error)
{
    const GtbConfig *config = context->config;
    const GtbState *state = state_bytes;
    int32_t position = state->numpy_stream[GTB_NUMPY_WORDS - 1];
    if (state->timestep < 0 || state->timestep > config->horizon)
        return agora_fail(error, "timestep must be in [0, %d], got %d", config->horizon, state->timestep);
    if (state->num_trades < 0 || state->num_trades > GTB_MAX_COUNT || state->num_gathered < 0 ||
        state->num_gathered > GTB_MAX_COUNT || !(state->trade_volume >= 0 && state->trade_volume <= TAX_MAX_COIN))
        return agora_fail(error, "num_trades, num_gathered and trade_volume must not be negative or beyond counting");
    if (!(fabs(state->welfare) <= 1e24))
        return agora_fail(error, "welfare must be finite, got %g", state->welfare);
    if (position < 0 || position > GTB_NUMPY_WORDS - 1 ||
        (config->numpy_streams.count == 0 && !tax_is_blank(state->numpy_stream, sizeof state->numpy_stream)))
        return agora_fail(error, "numpy_stream must be a state of NumPy's generator, or 0 without one");
    return check_planes(config, state, error) && check_places(config, state, error) &&
           check_market(config, state, error) && check_workers(config, state, error) &&
           tax_check_state(&config->tax, config->num_agents, &state->tax, error);
}
