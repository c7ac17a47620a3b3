#include "sight.h"

#include "ground.h"

#include <string.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum {
    /* Two sides whose product is at most COMMONS_MAX_CELLS sum up to at most COMMONS_MAX_SIDE + 16. */
    MAX_PADDED = COMMONS_MAX_CELLS + 2 * COMMONS_MAX_VIEW * (COMMONS_MAX_SIDE + 16) +
                 4 * COMMONS_MAX_VIEW * COMMONS_MAX_VIEW,
};

/* The map with a margin of wall, as wide as anybody can see: the codes of ground.h. */
typedef struct Scene {
    int32_t margin, width; /* of the margin and of a padded row */
    uint8_t codes[MAX_PADDED];
} Scene;

static int32_t find_margin(const CommonsConfig *config)
{
    int32_t margin = config->view_ahead > config->view_behind ? config->view_ahead : config->view_behind;
    return margin > config->view_side ? margin : config->view_side;
}

static int32_t padded_cell(const Scene *scene, const uint8_t position[2])
{
    return (position[1] + scene->margin) * scene->width + position[0] + scene->margin;
}

static void paint(const CommonsConfig *config, const Ground *ground, const CommonsState *state, Scene *scene)
{
    scene->margin = find_margin(config);
    scene->width = config->width + 2 * scene->margin;
    memset(scene->codes, GROUND_WALL, (size_t)(scene->width * (config->height + 2 * scene->margin)));
    for (int32_t y = 0; y < config->height; y++) {
        uint8_t *row = scene->codes + (y + scene->margin) * scene->width + scene->margin;
        for (int32_t x = 0; x < config->width; x++)
            row[x] = state->items[y * config->width + x] | ground->looks[y * config->width + x];
    }
    for (int32_t i = 0; i < config->num_agents; i++)
        if (state->positions[i][0] != COMMONS_NOWHERE)
            scene->codes[padded_cell(scene, state->positions[i])] +=
                (uint8_t)(GROUND_AGENT * (1 + state->orientations[i]));
}

/* Copies a window cell by cell. A glyph is stored whole where the next cell's will cover what is too much. */
ALWAYS_INLINE void look(const CommonsConfig *config, const Scene *scene, const uint8_t (*glyphs)[GROUND_GLYPH],
                        int32_t here, int32_t orientation, int32_t channels, uint8_t *window)
{
    int32_t steps[4] = {-scene->width, 1, scene->width, -1};
    int32_t ahead = steps[orientation], right = steps[(orientation + 1) & 3];
    int32_t rows = config->view_ahead + 1 + config->view_behind, columns = 2 * config->view_side + 1;
    int32_t start = here + config->view_ahead * ahead - config->view_side * right;
    size_t store = channels == COMMONS_HARVEST_CHANNELS ? COMMONS_HARVEST_CHANNELS : GROUND_GLYPH;
    for (int32_t row = 0; row < rows; row++, start -= ahead) {
        int32_t whole = row < rows - 1 ? columns : columns - 1, cell = start;
        for (int32_t column = 0; column < whole; column++, cell += right, window += channels)
            memcpy(window, glyphs[scene->codes[cell]], store);
        if (whole < columns)
            memcpy(window, glyphs[scene->codes[cell]], (size_t)channels);
    }
}

/* Walls all around, and no self: an observation of zeros would look like a mistake. */
static void show_nothing(int32_t cells, int32_t channels, uint8_t *window)
{
    memset(window, 0, (size_t)(cells * channels));
    for (int32_t cell = 0; cell < cells; cell++)
        window[cell * channels] = 1;
}

static void observe_one(const CommonsConfig *config, const Ground *ground, const CommonsState *state, Scene *scene,
                        int32_t agent, uint8_t *window)
{
    int32_t columns = 2 * config->view_side + 1, channels = ground->num_channels;
    if (state->positions[agent][0] == COMMONS_NOWHERE) {
        show_nothing((config->view_ahead + 1 + config->view_behind) * columns, channels, window);
        return;
    }
    int32_t orientation = state->orientations[agent], here = padded_cell(scene, state->positions[agent]);
    uint8_t code = scene->codes[here];
    scene->codes[here] = code % GROUND_AGENT; /* nobody is another agent to itself */
    if (channels == COMMONS_HARVEST_CHANNELS)
        look(config, scene, ground->glyphs[orientation], here, orientation, COMMONS_HARVEST_CHANNELS, window);
    else
        look(config, scene, ground->glyphs[orientation], here, orientation, COMMONS_CLEANUP_CHANNELS, window);
    scene->codes[here] = code;
    window[(config->view_ahead * columns + config->view_side) * channels + 7] = 1;
}

void commons_observe(const AgoraContext *context, const void *state, AgoraView *views)
{
    const CommonsConfig *config = context->config;
    const Ground *ground = context->model;
    size_t size = (size_t)((config->view_ahead + 1 + config->view_behind) * (2 * config->view_side + 1)) *
                  (size_t)ground->num_channels;
    Scene scene;
    paint(config, ground, state, &scene);
    for (int32_t i = 0; i < config->num_agents; i++) {
        observe_one(config, ground, state, &scene, i, (uint8_t *)views[0].observations + (size_t)i * size);
        views[0].alive[i] = 1;
    }
}
