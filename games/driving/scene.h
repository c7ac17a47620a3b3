/* How an episode starts, one file a family of scenes, and who comes and goes during it. */
#ifndef AGORA_DRIVING_SCENE_H
#define AGORA_DRIVING_SCENE_H

#include "roster.h"
#include "traffic.h"

/* What a scene needs to draw vehicles. */
typedef struct Draft {
    const DrivingConfig *config;
    const Road *road;
    DrivingState *state;
    AgoraRng *rng;
} Draft;

void scene_highway(const Draft *draft);
void scene_merge(const Draft *draft);
void scene_intersection(const Draft *draft);
void scene_roundabout(const Draft *draft);
void scene_two_way(const Draft *draft);
void scene_overtaking(const Draft *draft);

/* Between two steps of the intersection: takes off the road who is about to leave it, and now and then lets somebody
 * enter. */
void scene_intersection_flow(const Draft *draft);

static inline int32_t entry_of(const Draft *draft, int32_t index)
{
    return ((const int32_t *)draft->config->entries.data)[index];
}

/* Where an agent wants to go, or -1. */
static inline int32_t destination_of(const DrivingConfig *config, int32_t agent)
{
    return agent < config->destinations.count ? ((const int32_t *)config->destinations.data)[agent] : -1;
}

static inline double draw_between(AgoraRng *rng, double low, double high)
{
    return low + (high - low) * agora_draw_unit(rng);
}

/* Normal with mean 0 and standard deviation 1 (Box and Muller 1958). */
static inline double draw_normal(AgoraRng *rng)
{
    double radius = sqrt(-2 * logarithm(1 - agora_draw_unit(rng)));
    return radius * direction_of(2 * DRIVING_PI * agora_draw_unit(rng)).cosine;
}

static inline double draw_exponent(AgoraRng *rng) { return draw_between(rng, 3.5, 4.5); }

#endif
