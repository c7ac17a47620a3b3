/* A scenario: who is there, what a step is worth, and what each agent sees. One file each.
 *
 * particles.c has filled the state's positions, velocities and presence when `start` is called, and has moved everybody
 * when `score` is. The rows of absent agents in what comes out are zeros, whatever a scenario writes; but absent
 * entities must not count for those who are there.
 */
#ifndef AGORA_PARTICLES_SCENARIO_H
#define AGORA_PARTICLES_SCENARIO_H

#include "geometry.h"
#include "particles.h"

enum { PARTICLES_MAX_INFOS = 3 };

/* What a step was worth to each agent. */
typedef struct ParticlesOutcome {
    double rewards[PARTICLES_MAX_AGENTS];
    double infos[PARTICLES_MAX_INFOS][PARTICLES_MAX_AGENTS];
} ParticlesOutcome;

typedef struct ParticlesScenario {
    /* Whether the numbers of agents and landmarks are ones that the scenario can bear; NULL: it does not use them. */
    bool (*check)(const ParticlesConfig *config, AgoraError *error);
    /* Fills casts, bodies and landmarks of a zeroed model (particles_add_cast and the like, below). */
    void (*build)(const ParticlesConfig *config, ParticlesModel *model);
    /* Goals, and landmarks that a population leaves out; NULL: nothing to do. */
    void (*start)(const ParticlesModel *model, AgoraRng *rng, ParticlesState *state);
    /* Writes rewards and infos of at least the agents who are present at the call. May move entities and end their
     * presence; an agent who is no longer present is terminated. Returns whether the scenario's task is done. */
    bool (*score)(const ParticlesConfig *config, const ParticlesModel *model, AgoraRng *rng, ParticlesState *state,
                  ParticlesOutcome *outcome);
    /* Writes all numbers of the observation of a present agent. */
    void (*observe)(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesState *state, int32_t cast,
                    int32_t agent, float *features);
    /* The same for all agents of a cast, present or not, where they share much of it; NULL: `observe` is called. */
    void (*observe_all)(const ParticlesConfig *config, const ParticlesModel *model, const ParticlesState *state,
                        int32_t cast, float *features);
    /* What is left to go, in length units, as an episode's statistic; NULL: no such thing. */
    double (*distance)(const ParticlesModel *model, const ParticlesState *state);
    bool has_populations; /* whether observations have a place for agents that may be absent */
    int32_t num_infos;
    const char *info_names[PARTICLES_MAX_INFOS];
} ParticlesScenario;

extern const ParticlesScenario particles_simple, particles_spread, particles_tag, particles_adversary, particles_push,
    particles_speaker_listener, particles_reference, particles_crypto, particles_world_comm,
    particles_resource_occupation, particles_treasure_collection, particles_grassland, particles_adversarial,
    particles_food_collection;

/* What all agents of a cast have in common. */
typedef struct ParticlesBody {
    double radius, accel, max_speed;
    bool is_movable, collides;
} ParticlesBody;

/* ---- for `build` ---- */

/* Adds the next `count` agents; returns their cast, of which features and words are 0 still. */
ParticlesCast *particles_add_cast(ParticlesModel *model, const char *name, const char *agent_name, int32_t count,
                                  ParticlesBody body);

/* Adds the next `count` landmarks. Only after all casts. */
void particles_add_landmarks(ParticlesModel *model, int32_t count, double radius, bool collides);

/* Places for what an agent sees of `count` entities under a limit on neighbors. */
int32_t particles_places(int32_t count, int32_t neighbors);

/* ---- for `start` ---- */

/* Leaves only the first landmarks. */
void particles_remove_landmarks(const ParticlesModel *model, ParticlesState *state, int32_t first);

/* ---- for `start` and `score` ---- */

/* Draws a place within [-area, area]^2. */
void particles_place(AgoraRng *rng, double area, double position[2]);

/* ---- for `score` ---- */

void particles_count_collisions(ParticlesState *state, int32_t count);
void particles_count_collected(ParticlesState *state, int32_t count);
/* Distance from an entity to the nearest present one of [first, end); 0 if there is none. */
double particles_nearest(const ParticlesState *state, int32_t entity, int32_t first, int32_t end);

/* What it costs to leave the field: 0 inside 0.9, rising to 1 at the edge and exponentially, up to 10, beyond. */
double particles_leaving_cost(const double position[2]);

#endif
