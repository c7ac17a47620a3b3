/* What never changes on a map, worked out once: lists of cells, who is near whom, and how cells look. */
#ifndef AGORA_COMMONS_GROUND_H
#define AGORA_COMMONS_GROUND_H

#include "commons.h"

/* A cell as the observer codes it: the items' bits, then water, then who stands there in the upper three bits. */
enum {
    GROUND_WATER = 16,
    GROUND_AGENT = 32, /* times 1 + orientation */
    GROUND_WALL = 7 * GROUND_AGENT,
    GROUND_GLYPH = 16, /* bytes; a channel each */
};

/* A probability as a threshold on 64 random bits: an event happens where they are below it, or always. */
typedef struct Chance {
    uint64_t threshold;
    bool is_certain;
} Chance;

typedef struct Ground {
    int32_t num_cells, num_orchard, num_river, num_channels;
    uint8_t looks[COMMONS_MAX_CELLS];         /* GROUND_WALL, GROUND_WATER or 0 */
    uint16_t orchard_cells[COMMONS_MAX_CELLS];
    uint16_t river_cells[COMMONS_MAX_CELLS];
    uint8_t num_near[COMMONS_MAX_CELLS];                           /* by place in orchard_cells, as the next */
    uint16_t near[COMMONS_MAX_CELLS][COMMONS_MAX_NEIGHBOURS];      /* orchard cells near it */
    Chance regrowth[COMMONS_MAX_NEIGHBOURS + 1];                   /* by the number of apples near */
    uint8_t glyphs[4][256][GROUND_GLYPH];                          /* by where the observer looks, and code */
} Ground;

/* x and y of a step up, right, down, left. */
extern const int8_t GROUND_STEPS[4][2];

static inline int32_t ground_terrain(const CommonsConfig *config, int32_t cell)
{
    return ((const uint8_t *)config->terrain.data)[cell];
}

Chance ground_chance(double probability);

size_t ground_size(const void *config);
void ground_build(const void *config, void *ground);

#endif
