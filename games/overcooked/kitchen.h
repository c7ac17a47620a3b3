/* What never changes in a kitchen, worked out once: the map, recipes, distances and the observation template. */
#ifndef AGORA_OVERCOOKED_KITCHEN_H
#define AGORA_OVERCOOKED_KITCHEN_H

#include "overcooked.h"

enum { KITCHEN_NONE = 255 };

/* What the ingredients of a soup make. */
typedef struct Contents {
    uint8_t onions, tomatoes, count;
    uint8_t cook_time;     /* steps */
    float delivery_reward; /* as a float32 reward */
    double value;          /* of this soup as it is */
    double best_value;     /* of the best soup that can still be made from it, 0 when none is worth anything */
} Contents;

/* Cells relative to where a player stands and faces, for the "features" observation. */
typedef struct Surroundings {
    int8_t dispensers[3][2];             /* (dx, dy) to the closest onion, tomato, dish dispenser; 0 out of reach */
    int8_t serve[2];                     /* (dx, dy) to the closest serving place */
    uint8_t pots[OVERCOOKED_MAX_POTS];   /* those within reach, closest first, then KITCHEN_NONE */
    uint8_t walls[4];                    /* 1 where the next cell N, S, E, W is not floor */
} Surroundings;

/* Eight neighbouring channels of a cell, written with one store. */
typedef struct Glyph {
    uint8_t channels[8];
} Glyph;

/* First channel of a glyph, counted from 5 P. */
enum { POT_GLYPH = 6, ITEM_GLYPH = 8 };

typedef struct Kitchen {
    int32_t num_players, num_cells, num_pots, num_channels;
    uint8_t terrain[OVERCOOKED_MAX_CELLS];
    uint8_t pot_index[OVERCOOKED_MAX_CELLS]; /* KITCHEN_NONE where there is no pot */
    uint8_t pot_cells[OVERCOOKED_MAX_POTS];
    int32_t cell_steps[OVERCOOKED_NUM_ACTIONS]; /* how an action changes the cell index when the way is free */
    uint8_t floor_cells[OVERCOOKED_MAX_CELLS];
    int32_t num_floor_cells;
    int32_t plane_offsets[OVERCOOKED_MAX_CELLS]; /* of a cell's channel 0 in a "lossless" observation */
    Contents contents[OVERCOOKED_NUM_CONTENTS];
    Glyph item_glyphs[2][2 * OVERCOOKED_NUM_CONTENTS]; /* by urgency and item, on a counter or in a hand */
    Glyph pot_glyphs[2][OVERCOOKED_NUM_CONTENTS];      /* by whether it cooks or is done; without its time */
    uint64_t counters[OVERCOOKED_MAX_CELLS / 8];       /* per eight cells: all bits of those that are no pot */
    /* Then, as the observation asks: two "lossless" templates (the map without and with urgency) for all players, each
     * players * plane_size bytes; or one Surroundings per cell and orientation. */
    size_t plane_size; /* bytes of one player's observation */
    _Alignas(16) unsigned char tables[];
} Kitchen;

size_t kitchen_size(const void *config);
void kitchen_build(const void *config, void *kitchen);

/* The start that the config describes, without chance. */
void kitchen_place_start(const OvercookedConfig *config, OvercookedState *state);

/* Functions on the path of every step take the number of players as an argument and are inlined: nearly all kitchens
 * have two, and with that number known the compiler unrolls their loops. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

static inline int32_t kitchen_players(const OvercookedConfig *config)
{
    return (int32_t)config->start_orientations.count;
}

static inline const Contents *contents_of(const Kitchen *kitchen, uint8_t soup)
{
    return &kitchen->contents[soup & (OVERCOOKED_NUM_CONTENTS - 1)];
}

static inline int32_t cell_at(const OvercookedConfig *config, const uint8_t position[2])
{
    return position[1] * config->width + position[0];
}

static inline const Surroundings *surroundings_at(const Kitchen *kitchen, int32_t cell, int32_t orientation)
{
    return (const Surroundings *)(const void *)kitchen->tables + cell * 4 + orientation;
}

#endif
