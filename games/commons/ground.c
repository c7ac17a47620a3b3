#include "ground.h"

#include <string.h>

const int8_t GROUND_STEPS[4][2] = {{0, -1}, {1, 0}, {0, 1}, {-1, 0}};

Chance ground_chance(double probability)
{
    Chance chance = {.is_certain = probability >= 1};
    if (probability > 0 && probability < 1)
        chance.threshold = (uint64_t)(probability * 0x1p64);
    return chance;
}

size_t ground_size(const void *config)
{
    (void)config;
    return sizeof(Ground);
}

static void list_cells(const CommonsConfig *config, Ground *ground)
{
    for (int32_t cell = 0; cell < ground->num_cells; cell++) {
        int32_t terrain = ground_terrain(config, cell);
        bool is_water = terrain == COMMONS_RIVER || terrain == COMMONS_STREAM;
        ground->looks[cell] = (uint8_t)(terrain == COMMONS_WALL ? GROUND_WALL : is_water ? GROUND_WATER : 0);
        if (terrain == COMMONS_ORCHARD)
            ground->orchard_cells[ground->num_orchard++] = (uint16_t)cell;
        if (terrain == COMMONS_RIVER)
            ground->river_cells[ground->num_river++] = (uint16_t)cell;
    }
}

static void list_near(const CommonsConfig *config, Ground *ground)
{
    int32_t width = config->width;
    for (int32_t i = 0; i < ground->num_orchard; i++)
        for (int32_t j = 0; j < ground->num_orchard; j++) {
            int32_t one = ground->orchard_cells[i], other = ground->orchard_cells[j];
            int32_t dx = one % width - other % width, dy = one / width - other / width;
            if (i != j && dx * dx + dy * dy <= config->regrowth_distance)
                ground->near[i][ground->num_near[i]++] = (uint16_t)other;
        }
}

/* The channels of commons.h for one code and one observer. */
static void draw_glyph(uint8_t *glyph, int32_t observer, int32_t code)
{
    if (code >= GROUND_WALL) {
        glyph[0] = 1;
        return;
    }
    glyph[1] = (code & COMMONS_APPLE) != 0;
    glyph[6] = (code & COMMONS_FIRED) != 0;
    glyph[8] = (code & COMMONS_WASTE) != 0;
    glyph[9] = (code & GROUND_WATER) != 0;
    glyph[10] = (code & COMMONS_CLEANED) != 0;
    int32_t orientation = code / GROUND_AGENT - 1;
    if (orientation >= 0)
        glyph[2 + ((orientation - observer) & 3)] = 1;
}

void ground_build(const void *config_bytes, void *ground_bytes)
{
    const CommonsConfig *config = config_bytes;
    Ground *ground = ground_bytes;
    ground->num_cells = config->width * config->height;
    ground->num_channels = config->game == COMMONS_CLEANUP ? COMMONS_CLEANUP_CHANNELS : COMMONS_HARVEST_CHANNELS;
    list_cells(config, ground);
    list_near(config, ground);
    const double *probabilities = config->regrowth_probabilities.data;
    int64_t last = config->regrowth_probabilities.count - 1;
    for (int64_t apples = 0; apples <= COMMONS_MAX_NEIGHBOURS; apples++)
        ground->regrowth[apples] = ground_chance(probabilities[apples < last ? apples : last]);
    for (int32_t observer = 0; observer < 4; observer++)
        for (int32_t code = 0; code < 256; code++)
            draw_glyph(ground->glyphs[observer][code], observer, code);
}
