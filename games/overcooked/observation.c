#include "observation.h"

#include "kitchen.h"

#include <string.h>

/* ---- "lossless" ---- */

/* Where a batch's row goes: one plane per player, side by side. */
typedef struct Planes {
    uint8_t *bytes;
    size_t size; /* of one plane */
    int32_t players;
} Planes;

/* Writes eight channels of one cell, counted from 5 P, in every player's plane. */
ALWAYS_INLINE void show(const Kitchen *kitchen, Planes planes, int32_t cell, int32_t first_channel, Glyph glyph)
{
    uint8_t *channels = planes.bytes + kitchen->plane_offsets[cell] + 5 * planes.players + first_channel;
    for (int32_t player = 0; player < planes.players; player++)
        memcpy(channels + (size_t)player * planes.size, &glyph, sizeof glyph);
}

/* Which byte of a word in memory holds its lowest bit that is set; the word is not 0. */
ALWAYS_INLINE int32_t lowest_byte(uint64_t word)
{
    int32_t byte = __builtin_ctzll(word) / 8;
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? byte : 7 - byte;
}

/* Most counters hold nothing: eight are looked at together, and only those with something are visited. Item codes stay
 * below 128, so that adding 127 sets the top bit of exactly the bytes that are not 0. */
ALWAYS_INLINE void show_counters(const Kitchen *kitchen, const OvercookedState *state, const Glyph *glyphs,
                                 Planes planes)
{
    const uint64_t below_top = 0x7F7F7F7F7F7F7F7Fu;
    for (int32_t first = 0, end = kitchen->num_cells; first < end; first += 8) {
        uint64_t items;
        memcpy(&items, state->items + first, sizeof items); /* MAX_CELLS is a multiple of 8 */
        uint64_t found = ((items & kitchen->counters[first / 8]) + below_top) & ~below_top;
        for (; found; found &= found - 1) {
            int32_t cell = first + lowest_byte(found);
            show(kitchen, planes, cell, ITEM_GLYPH, glyphs[state->items[cell]]);
        }
    }
}

ALWAYS_INLINE void show_pots(const Kitchen *kitchen, const OvercookedState *state, Planes planes)
{
    for (int32_t pot = 0, pots = kitchen->num_pots; pot < pots; pot++) {
        int32_t cell = kitchen->pot_cells[pot], tick = state->pot_ticks[pot];
        int32_t code = state->items[cell] & (OVERCOOKED_NUM_CONTENTS - 1), has_started = tick >= 0;
        int32_t remaining = kitchen->contents[code].cook_time - tick;
        Glyph glyph = kitchen->pot_glyphs[has_started][code];
        glyph.channels[4] = (uint8_t)(has_started * remaining);
        glyph.channels[5] = (uint8_t)(has_started & (remaining <= 0));
        show(kitchen, planes, cell, POT_GLYPH, glyph);
    }
}

ALWAYS_INLINE void show_players(const OvercookedConfig *config, const Kitchen *kitchen, const OvercookedState *state,
                                const Glyph *glyphs, Planes planes)
{
    for (int32_t i = 0; i < planes.players; i++) {
        int32_t cell = cell_at(config, state->positions[i]), orientation = state->orientations[i];
        uint8_t *channels = planes.bytes + kitchen->plane_offsets[cell];
        show(kitchen, planes, cell, ITEM_GLYPH, glyphs[state->held[i]]);
        for (int32_t self = 0; self < planes.players; self++, channels += planes.size) {
            int32_t rank = i == self ? 0 : i + (i < self); /* self first, then the others in index order */
            channels[rank] = 1;
            channels[planes.players + 4 * rank + orientation] = 1;
        }
    }
}

ALWAYS_INLINE void observe_planes(const OvercookedConfig *config, const Kitchen *kitchen, const OvercookedState *state,
                                  Planes planes)
{
    int32_t is_urgent = config->horizon - state->timestep < OVERCOOKED_URGENT_STEPS;
    size_t all_planes = (size_t)planes.players * planes.size;
    const Glyph *glyphs = kitchen->item_glyphs[is_urgent];
    memcpy(planes.bytes, kitchen->tables + (is_urgent ? all_planes : 0), all_planes);
    show_counters(kitchen, state, glyphs, planes);
    show_pots(kitchen, state, planes);
    show_players(config, kitchen, state, glyphs, planes);
}

static void observe_lossless(const OvercookedConfig *config, const Kitchen *kitchen, const OvercookedState *state,
                             uint8_t *observations)
{
    if (kitchen->num_players == 2)
        observe_planes(config, kitchen, state, (Planes){observations, kitchen->plane_size, 2});
    else
        observe_planes(config, kitchen, state, (Planes){observations, kitchen->plane_size, kitchen->num_players});
}

/* ---- "features" ---- */

static float *show_distance(float *out, const int8_t delta[2], bool is_zero)
{
    out[0] = is_zero ? 0 : (float)delta[0];
    out[1] = is_zero ? 0 : (float)delta[1];
    return out + 2;
}

static float *show_feature_pot(const OvercookedConfig *config, const Kitchen *kitchen, const OvercookedState *state,
                               int32_t player, int32_t pot, float *out)
{
    memset(out, 0, 10 * sizeof *out);
    if (pot == KITCHEN_NONE)
        return out + 10;
    int32_t cell = kitchen->pot_cells[pot], tick = state->pot_ticks[pot];
    const Contents *contents = contents_of(kitchen, state->items[cell]);
    bool is_done = tick >= 0 && tick >= contents->cook_time;
    out[0] = 1;
    out[1] = contents->count == 0;
    out[2] = tick >= 0 || contents->count == OVERCOOKED_MAX_INGREDIENTS;
    out[3] = tick >= 0 && !is_done;
    out[4] = is_done;
    out[5] = contents->onions;
    out[6] = contents->tomatoes;
    out[7] = tick < 0 ? 0 : (float)(contents->cook_time - tick);
    out[8] = (float)(cell % config->width - state->positions[player][0]);
    out[9] = (float)(cell / config->width - state->positions[player][1]);
    return out + 10;
}

static void show_player(const OvercookedConfig *config, const Kitchen *kitchen, const OvercookedState *state,
                        int32_t player, float *out)
{
    static const uint8_t DISPENSED[3] = {OVERCOOKED_ONION, OVERCOOKED_TOMATO, OVERCOOKED_DISH};
    uint8_t held = state->held[player];
    const Surroundings *around =
        surroundings_at(kitchen, cell_at(config, state->positions[player]), state->orientations[player]);
    memset(out, 0, 8 * sizeof *out);
    out[state->orientations[player]] = 1;
    if (held)
        out[4 + (held == OVERCOOKED_ONION ? 0 : held >= OVERCOOKED_SOUP ? 1 : held == OVERCOOKED_DISH ? 2 : 3)] = 1;
    out += 8;
    for (int32_t i = 0; i < 3; i++)
        out = show_distance(out, around->dispensers[i], held == DISPENSED[i]);
    const Contents *soup = contents_of(kitchen, held >= OVERCOOKED_SOUP ? held : 0);
    out = show_distance(out, around->serve, true); /* the closest soup: held, or out of reach on a counter */
    *out++ = soup->onions;
    *out++ = soup->tomatoes;
    out = show_distance(out, around->serve, false);
    out = show_distance(out, around->serve, true); /* the closest empty counter */
    for (int32_t i = 0; i < config->num_feature_pots; i++)
        out = show_feature_pot(config, kitchen, state, player, around->pots[i], out);
    for (int32_t direction = 0; direction < 4; direction++)
        *out++ = around->walls[direction];
}

static void observe_features(const OvercookedConfig *config, const Kitchen *kitchen, const OvercookedState *state,
                             float *observations)
{
    int32_t players = kitchen->num_players;
    size_t block = (size_t)(10 * config->num_feature_pots + 26), size = (size_t)players * (block + 2);
    for (int32_t self = 0; self < players; self++) {
        float *own = observations + (size_t)self * size, *distances = own + (size_t)players * block;
        show_player(config, kitchen, state, self, own);
        for (int32_t i = 0; i < players; i++) {
            if (i == self)
                continue;
            int32_t rank = i < self ? i + 1 : i;
            show_player(config, kitchen, state, i, own + (size_t)rank * block);
            *distances++ = (float)(state->positions[i][0] - state->positions[self][0]);
            *distances++ = (float)(state->positions[i][1] - state->positions[self][1]);
        }
        *distances++ = state->positions[self][0];
        *distances++ = state->positions[self][1];
    }
}

void overcooked_observe(const AgoraContext *context, const void *state, AgoraView *views)
{
    const OvercookedConfig *config = context->config;
    const Kitchen *kitchen = context->model;
    if (config->observation == OVERCOOKED_LOSSLESS)
        observe_lossless(config, kitchen, state, views[0].observations);
    else
        observe_features(config, kitchen, state, views[0].observations);
    memset(views[0].alive, 1, (size_t)kitchen->num_players);
}
