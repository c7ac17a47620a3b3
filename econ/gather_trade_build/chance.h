/* Chance of gather-trade-build: the engine's, or NumPy's legacy generator (MT19937), whose state is part of ours. The second
 * makes the same draws in the same order as ai-economist 1.7.1, so that episodes can be compared bit by bit. */
#ifndef AGORA_GTB_CHANCE_H
#define AGORA_GTB_CHANCE_H

#include "gather_trade_build.h"

typedef struct GtbChance {
    AgoraRng *rng;
    int32_t *key, *position; /* NULL: the engine's */
    double spare;            /* normal numbers come in pairs */
    bool has_spare;
} GtbChance;

GtbChance gtb_chance(const GtbConfig *config, AgoraRng *rng, GtbState *state);

static inline bool gtb_is_numpy(const GtbChance *chance) { return chance->key != NULL; }

double gtb_draw_unit(GtbChance *chance);
int32_t gtb_draw_below(GtbChance *chance, int32_t count);
void gtb_draw_order(GtbChance *chance, int32_t count, uint8_t *order);
/* Lomax with scale 1 (what NumPy calls pareto). */
double gtb_draw_pareto(GtbChance *chance, double shape);
/* exp of a normal number. */
double gtb_draw_lognormal(GtbChance *chance, double mean, double deviation);
/* As TaxDraw: the source is a GtbChance. */
double gtb_draw_for_tax(void *chance);

#endif
