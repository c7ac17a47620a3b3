#include "chance.h"

#include "../welfare/power.h"

#include <math.h>

GtbChance gtb_chance(const GtbConfig *config, AgoraRng *rng, GtbState *state)
{
    bool is_numpy = config->numpy_streams.count > 0;
    return (GtbChance){.rng = rng,
                       .key = is_numpy ? state->numpy_stream : NULL,
                       .position = is_numpy ? state->numpy_stream + GTB_NUMPY_WORDS - 1 : NULL};
}

/* ---- MT19937 (Matsumoto and Nishimura 1998) ---- */

enum { LENGTH = GTB_NUMPY_WORDS - 1, OFFSET = 397 };

static uint32_t twist(uint32_t high, uint32_t low)
{
    uint32_t mixed = (high & 0x80000000u) | (low & 0x7FFFFFFFu);
    return (mixed >> 1) ^ (-(low & 1u) & 0x9908B0DFu);
}

static uint32_t next_word(GtbChance *chance)
{
    int32_t *key = chance->key;
    if (*chance->position >= LENGTH) {
        for (int32_t k = 0; k < LENGTH; k++)
            key[k] = (int32_t)((uint32_t)key[(k + OFFSET) % LENGTH] ^
                               twist((uint32_t)key[k], (uint32_t)key[(k + 1) % LENGTH]));
        *chance->position = 0;
    }
    uint32_t y = (uint32_t)key[(*chance->position)++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9D2C5680u;
    y ^= (y << 15) & 0xEFC60000u;
    return y ^ (y >> 18);
}

/* Words cut to the bits of `highest` until one is at most that: how NumPy's legacy generator draws whole numbers. */
static int32_t next_at_most(GtbChance *chance, int32_t highest)
{
    uint32_t mask = (uint32_t)highest, word;
    if (highest == 0)
        return 0;
    for (int shift = 1; shift < 32; shift *= 2)
        mask |= mask >> shift;
    do
        word = next_word(chance) & mask;
    while (word > (uint32_t)highest);
    return (int32_t)word;
}

/* ---- draws ---- */

double gtb_draw_unit(GtbChance *chance)
{
    if (!gtb_is_numpy(chance))
        return agora_draw_unit(chance->rng);
    uint32_t high = next_word(chance) >> 5, low = next_word(chance) >> 6;
    return (high * 67108864.0 + low) / 9007199254740992.0;
}

double gtb_draw_for_tax(void *chance) { return gtb_draw_unit(chance); }

int32_t gtb_draw_below(GtbChance *chance, int32_t count)
{
    return gtb_is_numpy(chance) ? next_at_most(chance, count - 1) : (int32_t)agora_draw_below(chance->rng, (uint32_t)count);
}

void gtb_draw_order(GtbChance *chance, int32_t count, uint8_t *order)
{
    if (!gtb_is_numpy(chance)) {
        agora_deal_cards(chance->rng, count, count, order);
        return;
    }
    for (int32_t i = 0; i < count; i++)
        order[i] = (uint8_t)i;
    for (int32_t i = count - 1; i > 0; i--) {
        int32_t j = next_at_most(chance, i);
        uint8_t other = order[j];
        order[j] = order[i];
        order[i] = other;
    }
}

double gtb_draw_pareto(GtbChance *chance, double shape)
{
    double unit = gtb_draw_unit(chance);
    if (gtb_is_numpy(chance))
        return exp(-log(1.0 - unit) / shape) - 1; /* the C library's, as there */
    return 1 / welfare_power(1 - unit, 1 / shape) - 1;
}

/* Marsaglia's polar method, which is NumPy's. Half of a pair that a reset leaves over is dropped; NumPy would keep it. */
static double draw_normal(GtbChance *chance)
{
    double x, y, square;
    if (chance->has_spare) {
        chance->has_spare = false;
        return chance->spare;
    }
    do {
        x = 2 * gtb_draw_unit(chance) - 1;
        y = 2 * gtb_draw_unit(chance) - 1;
        square = x * x + y * y;
    } while (square >= 1 || square == 0);
    double factor = sqrt(-2 * (gtb_is_numpy(chance) ? log(square) : welfare_log(square)) / square);
    chance->spare = factor * x;
    chance->has_spare = true;
    return factor * y;
}

double gtb_draw_lognormal(GtbChance *chance, double mean, double deviation)
{
    static const double E = 0x1.5bf0a8b145769p+1;
    double exponent = mean + deviation * draw_normal(chance);
    return gtb_is_numpy(chance) ? exp(exponent) : welfare_power(E, exponent);
}
