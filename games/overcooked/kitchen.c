#include "kitchen.h"

#include <string.h>

enum { FEATURE_DISTANCES = 1 << 14 }; /* larger than any path: cells * orientations * 1 step */

static int32_t num_cells(const OvercookedConfig *config) { return config->width * config->height; }

static size_t plane_size(const OvercookedConfig *config)
{
    return (size_t)num_cells(config) * (5 * (size_t)kitchen_players(config) + 16);
}

size_t kitchen_size(const void *config_bytes)
{
    const OvercookedConfig *config = config_bytes;
    size_t tables = config->observation == OVERCOOKED_LOSSLESS
                        ? 2 * (size_t)kitchen_players(config) * plane_size(config)
                        : (size_t)num_cells(config) * 4 * sizeof(Surroundings);
    return sizeof(Kitchen) + tables;
}

/* ---- map ---- */

static void build_map(const OvercookedConfig *config, Kitchen *kitchen)
{
    const uint8_t *terrain = config->terrain.data;
    const int32_t steps[OVERCOOKED_NUM_ACTIONS] = {-config->width, config->width, 1, -1, 0, 0};
    memcpy(kitchen->cell_steps, steps, sizeof steps);
    kitchen->num_players = kitchen_players(config);
    kitchen->num_cells = num_cells(config);
    kitchen->num_channels = 5 * kitchen->num_players + 16;
    for (int32_t cell = 0; cell < kitchen->num_cells; cell++) {
        int32_t x = cell % config->width, y = cell / config->width;
        kitchen->terrain[cell] = terrain[cell];
        kitchen->plane_offsets[cell] = (x * config->height + y) * kitchen->num_channels;
        kitchen->pot_index[cell] = KITCHEN_NONE;
        if (terrain[cell] == OVERCOOKED_FLOOR)
            kitchen->floor_cells[kitchen->num_floor_cells++] = (uint8_t)cell;
        ((uint8_t *)kitchen->counters)[cell] = terrain[cell] == OVERCOOKED_POT ? 0 : 0xFF;
        if (terrain[cell] == OVERCOOKED_POT) {
            kitchen->pot_index[cell] = (uint8_t)kitchen->num_pots;
            kitchen->pot_cells[kitchen->num_pots++] = (uint8_t)cell;
        }
    }
}

/* ---- recipes ---- */

static Contents count_ingredients(const OvercookedConfig *config, int32_t code)
{
    Contents contents = {0};
    for (int32_t place = 0; place < OVERCOOKED_MAX_INGREDIENTS; place++) {
        int32_t ingredient = code >> (2 * place) & 3;
        contents.onions = (uint8_t)(contents.onions + (ingredient == OVERCOOKED_ONION));
        contents.tomatoes = (uint8_t)(contents.tomatoes + (ingredient == OVERCOOKED_TOMATO));
    }
    contents.count = (uint8_t)(contents.onions + contents.tomatoes);
    contents.cook_time = (uint8_t)config->cook_times[contents.onions][contents.tomatoes];
    contents.value = config->delivery_rewards[contents.onions][contents.tomatoes];
    contents.delivery_reward = (float)contents.value;
    return contents;
}

/* The reference's get_optimal_possible_recipe, then get_recipe_value: the largest value above 0 among the soups that
 * hold at least these ingredients, else the value of just these. */
static double find_best_value(const OvercookedConfig *config, const Contents *contents)
{
    double best = 0;
    for (int32_t onions = contents->onions; onions <= OVERCOOKED_MAX_INGREDIENTS; onions++)
        for (int32_t tomatoes = contents->tomatoes; onions + tomatoes <= OVERCOOKED_MAX_INGREDIENTS; tomatoes++)
            if (onions + tomatoes > 0 && config->delivery_rewards[onions][tomatoes] > best)
                best = config->delivery_rewards[onions][tomatoes];
    return best > 0 || contents->count == 0 ? best : contents->value;
}

static void build_contents(const OvercookedConfig *config, Kitchen *kitchen)
{
    for (int32_t code = 0; code < OVERCOOKED_NUM_CONTENTS; code++) {
        kitchen->contents[code] = count_ingredients(config, code);
        kitchen->contents[code].best_value = find_best_value(config, &kitchen->contents[code]);
    }
}

/* ---- "lossless": the map's channels ---- */

static void build_templates(const OvercookedConfig *config, Kitchen *kitchen)
{
    kitchen->plane_size = plane_size(config);
    size_t map_channel = 5 * (size_t)kitchen_players(config), all_planes = (size_t)kitchen_players(config) * kitchen->plane_size;
    for (size_t player = 0; player < (size_t)kitchen_players(config); player++)
        for (int32_t cell = 0; cell < kitchen->num_cells; cell++) {
            unsigned char *plain =
                kitchen->tables + player * kitchen->plane_size + kitchen->plane_offsets[cell] + map_channel;
            unsigned char *urgent = plain + all_planes;
            int32_t terrain = kitchen->terrain[cell]; /* terrains stand in the order of the channels */
            if (terrain != OVERCOOKED_FLOOR)
                plain[terrain - 1] = urgent[terrain - 1] = 1;
            urgent[15] = 1;
        }
}

/* Channels: onions and tomatoes in a soup, time remaining, done; dish, onion, tomato; urgency. */
static void build_item_glyphs(Kitchen *kitchen)
{
    for (int32_t is_urgent = 0; is_urgent < 2; is_urgent++) {
        Glyph *glyphs = kitchen->item_glyphs[is_urgent];
        for (int32_t item = 0; item < 2 * OVERCOOKED_NUM_CONTENTS; item++)
            glyphs[item].channels[7] = (uint8_t)is_urgent;
        glyphs[OVERCOOKED_DISH].channels[4] = 1;
        glyphs[OVERCOOKED_ONION].channels[5] = 1;
        glyphs[OVERCOOKED_TOMATO].channels[6] = 1;
        for (int32_t code = 0; code < OVERCOOKED_NUM_CONTENTS; code++) {
            glyphs[OVERCOOKED_SOUP + code].channels[0] = kitchen->contents[code].onions;
            glyphs[OVERCOOKED_SOUP + code].channels[1] = kitchen->contents[code].tomatoes;
            glyphs[OVERCOOKED_SOUP + code].channels[3] = 1;
        }
    }
}

/* Channels: onions and tomatoes in a pot that does not cook; the same in one that does or is done. */
static void build_pot_glyphs(Kitchen *kitchen)
{
    for (int32_t code = 0; code < OVERCOOKED_NUM_CONTENTS; code++)
        for (int32_t has_started = 0; has_started < 2; has_started++) {
            kitchen->pot_glyphs[has_started][code].channels[2 * has_started] = kitchen->contents[code].onions;
            kitchen->pot_glyphs[has_started][code].channels[2 * has_started + 1] = kitchen->contents[code].tomatoes;
        }
}

/* ---- "features": distances ---- */

/* Fewest actions from one cell and orientation to every other, ignoring other players (breadth first). A direction
 * turns, and moves where the next cell is floor. */
static void find_distances(const Kitchen *kitchen, int32_t start, int16_t *distances)
{
    int16_t queue[OVERCOOKED_MAX_CELLS * 4];
    int32_t head = 0, tail = 0;
    for (int32_t node = 0; node < kitchen->num_cells * 4; node++)
        distances[node] = FEATURE_DISTANCES;
    distances[start] = 0;
    queue[tail++] = (int16_t)start;
    while (head < tail) {
        int32_t node = queue[head++];
        for (int32_t direction = 0; direction < 4; direction++) {
            int32_t target = node / 4 + kitchen->cell_steps[direction];
            int32_t next = (kitchen->terrain[target] == OVERCOOKED_FLOOR ? target : node / 4) * 4 + direction;
            if (distances[next] == FEATURE_DISTANCES) {
                distances[next] = (int16_t)(distances[node] + 1);
                queue[tail++] = (int16_t)next;
            }
        }
    }
}

/* Fewest actions until a feature is faced from one of its free sides. */
static int16_t distance_to(const OvercookedConfig *config, const Kitchen *kitchen, const int16_t *distances,
                           int32_t feature)
{
    static const int32_t OPPOSITE[4] = {OVERCOOKED_SOUTH, OVERCOOKED_NORTH, OVERCOOKED_WEST, OVERCOOKED_EAST};
    int16_t nearest = FEATURE_DISTANCES;
    int32_t x = feature % config->width, y = feature / config->width;
    const bool has_side[4] = {y > 0, y < config->height - 1, x < config->width - 1, x > 0};
    for (int32_t side = 0; side < 4; side++) {
        int32_t cell = feature + kitchen->cell_steps[side];
        if (has_side[side] && kitchen->terrain[cell] == OVERCOOKED_FLOOR &&
            distances[cell * 4 + OPPOSITE[side]] < nearest)
            nearest = distances[cell * 4 + OPPOSITE[side]];
    }
    return nearest;
}

/* The closest feature of a terrain that is not taken yet, the first in row-major order among equals; -1: none. */
static int32_t find_closest(const OvercookedConfig *config, const Kitchen *kitchen, const int16_t *distances,
                            OvercookedTerrain terrain, const bool *is_taken)
{
    int32_t closest = -1;
    int16_t nearest = FEATURE_DISTANCES;
    for (int32_t cell = 0; cell < kitchen->num_cells; cell++) {
        if (kitchen->terrain[cell] != terrain || (is_taken && is_taken[cell]))
            continue;
        int16_t distance = distance_to(config, kitchen, distances, cell);
        if (distance < nearest) {
            nearest = distance;
            closest = cell;
        }
    }
    return closest;
}

static void point_to(const OvercookedConfig *config, int32_t from, int32_t to, int8_t delta[2])
{
    delta[0] = (int8_t)(to < 0 ? 0 : to % config->width - from % config->width);
    delta[1] = (int8_t)(to < 0 ? 0 : to / config->width - from / config->width);
}

static void look_around(const OvercookedConfig *config, const Kitchen *kitchen, int32_t node, Surroundings *out)
{
    static const OvercookedTerrain DISPENSERS[3] = {OVERCOOKED_ONIONS, OVERCOOKED_TOMATOES, OVERCOOKED_DISHES};
    int16_t distances[OVERCOOKED_MAX_CELLS * 4];
    bool is_taken[OVERCOOKED_MAX_CELLS] = {false};
    find_distances(kitchen, node, distances);
    for (int32_t i = 0; i < 3; i++)
        point_to(config, node / 4, find_closest(config, kitchen, distances, DISPENSERS[i], NULL), out->dispensers[i]);
    point_to(config, node / 4, find_closest(config, kitchen, distances, OVERCOOKED_SERVE, NULL), out->serve);
    memset(out->pots, KITCHEN_NONE, sizeof out->pots);
    for (int32_t i = 0; i < kitchen->num_pots; i++) {
        int32_t pot = find_closest(config, kitchen, distances, OVERCOOKED_POT, is_taken);
        if (pot < 0)
            break;
        is_taken[pot] = true;
        out->pots[i] = kitchen->pot_index[pot];
    }
    for (int32_t direction = 0; direction < 4; direction++)
        out->walls[direction] = kitchen->terrain[node / 4 + kitchen->cell_steps[direction]] != OVERCOOKED_FLOOR;
}

static void build_surroundings(const OvercookedConfig *config, Kitchen *kitchen)
{
    Surroundings *surroundings = (Surroundings *)(void *)kitchen->tables;
    for (int32_t node = 0; node < kitchen->num_cells * 4; node++)
        if (kitchen->terrain[node / 4] == OVERCOOKED_FLOOR)
            look_around(config, kitchen, node, &surroundings[node]);
}

void kitchen_build(const void *config_bytes, void *kitchen_bytes)
{
    const OvercookedConfig *config = config_bytes;
    Kitchen *kitchen = kitchen_bytes;
    build_map(config, kitchen);
    build_contents(config, kitchen);
    if (config->observation == OVERCOOKED_LOSSLESS)
        build_templates(config, kitchen);
    else
        build_surroundings(config, kitchen);
    build_item_glyphs(kitchen);
    build_pot_glyphs(kitchen);
}

void kitchen_place_start(const OvercookedConfig *config, OvercookedState *state)
{
    size_t players = (size_t)kitchen_players(config);
    memcpy(state->positions, config->start_positions.data, 2 * players);
    memcpy(state->orientations, config->start_orientations.data, players);
    memcpy(state->held, config->start_held.data, players);
    memcpy(state->items, config->start_items.data, (size_t)config->start_items.count);
    memcpy(state->pot_ticks, config->start_pot_ticks.data, (size_t)config->start_pot_ticks.count * sizeof(int16_t));
}
