/* Particle worlds: discs on a plane that push, are pushed, see and speak. The rules are mpe2 1.1.1's, the maintained
 * form of OpenAI's multi-particle environments (Lowe et al. 2017; Mordatch and Abbeel 2018), and those of five worlds of
 * papers about populations of many sizes; README.md has the tables.
 *
 * Three parts: what every world shares (particles.c: actions, ends, populations), how discs move (physics.c), and one
 * file a scenario (scenario.h): who is there, what is rewarded, what is seen.
 *
 * Entities are numbered: agents first, in the order of the groups, landmarks after them. In every array over entities a
 * config's agents and landmarks stand packed from the front, so that few of them touch few cache lines.
 */
#ifndef AGORA_PARTICLES_H
#define AGORA_PARTICLES_H

#include "../core/game.h"

enum {
    PARTICLES_MAX_AGENTS = 64,
    PARTICLES_MAX_LANDMARKS = 64,
    PARTICLES_MAX_ENTITIES = PARTICLES_MAX_AGENTS + PARTICLES_MAX_LANDMARKS,
    PARTICLES_MAX_CASTS = 3,
    PARTICLES_MAX_GOALS = 2,
    PARTICLES_MAX_KINDS = 8,   /* of treasures */
    PARTICLES_MAX_WORDS = 10,  /* numbers in one message */
    PARTICLES_MAX_SPOKEN = 20, /* numbers in all messages of a step */
};

/* Positions and velocities are held within [-LIMIT, LIMIT]: far beyond any play, and finite. */
static const double PARTICLES_LIMIT = 1000;

typedef enum ParticlesScenarioId {
    PARTICLES_SIMPLE,
    PARTICLES_SPREAD,
    PARTICLES_TAG,
    PARTICLES_ADVERSARY,
    PARTICLES_PUSH,
    PARTICLES_SPEAKER_LISTENER,
    PARTICLES_REFERENCE,
    PARTICLES_CRYPTO,
    PARTICLES_WORLD_COMM,
    PARTICLES_RESOURCE_OCCUPATION,
    PARTICLES_TREASURE_COLLECTION,
    PARTICLES_GRASSLAND,
    PARTICLES_ADVERSARIAL,
    PARTICLES_FOOD_COLLECTION,
    PARTICLES_NUM_SCENARIOS,
} ParticlesScenarioId;

typedef struct ParticlesConfig {
    AgoraSpan populations;      /* [any, casts] int32: how many of each cast an episode has; empty: always all */
    double local_ratio;         /* weight of an agent's own reward, in [0, 1]; the shared one has the rest */
    int32_t scenario;           /* ParticlesScenarioId */
    int32_t horizon;            /* steps, >= 1 */
    int32_t num_agents;         /* good agents, or all where there is one kind */
    int32_t num_adversaries;
    int32_t num_obstacles, num_food, num_forests;
    int32_t agent_neighbors;    /* others that an agent sees, the nearest ones; 0: all */
    int32_t landmark_neighbors; /* landmarks that an agent sees, the nearest ones; 0: all */
    uint8_t is_continuous;      /* actions are numbers in [0, 1] */
    uint8_t ends_on_success;
    uint8_t moves_before_forces; /* positions follow the old velocity (mpe2), not the new one (OpenAI's original) */
    uint8_t shares_reward;       /* everybody gets what all get together */
    uint8_t shows_views;         /* what the others see is part of what an agent sees of them */
} ParticlesConfig;

/* Agents of one kind: a group of the world. */
typedef struct ParticlesCast {
    char name[32], agent_name[32];
    int32_t first, count;          /* agents; count slots, of which a population may leave some empty */
    int32_t features;              /* numbers in an observation */
    int32_t words, first_word;     /* numbers in a message (0: silent), and where the first agent's stand */
    bool is_movable;
} ParticlesCast;

struct ParticlesScenario;

typedef struct ParticlesModel {
    const struct ParticlesScenario *scenario;
    int32_t num_agents, num_landmarks, num_entities, num_casts, num_goals, num_spoken;
    int32_t num_kinds;                         /* of things that agents carry */
    ParticlesCast casts[PARTICLES_MAX_CASTS];
    double landmark_area;                      /* landmarks start within [-area, area]^2; agents within [-1, 1]^2 */
    double field;                              /* positions are held within [-field, field]^2 */
    double radius[PARTICLES_MAX_ENTITIES];     /* length units */
    double mass[PARTICLES_MAX_AGENTS];
    double weight[PARTICLES_MAX_ENTITIES];     /* of two in contact, the force on one is multiplied by other / own */
    double accel[PARTICLES_MAX_AGENTS];        /* force of a full action */
    double max_speed[PARTICLES_MAX_AGENTS];    /* length units a second; INFINITY: none */
    int32_t num_colliders, num_agent_colliders;
    int32_t colliders[PARTICLES_MAX_ENTITIES]; /* entities that push each other, ascending */
    bool has_presence_flags;                   /* populations vary, and observations say who is there */
    bool counts_collected;                     /* `collected` means something */
    bool landmarks_follow;                     /* there are as many as agents of the first cast */
} ParticlesModel;

typedef struct ParticlesState {
    int32_t steps;
    int32_t population;                             /* agents at reset */
    int32_t collisions;                             /* that the scenario counts, in all steps; stops at INT32_MAX */
    int32_t goals[PARTICLES_MAX_GOALS];             /* landmarks; what they mean is the scenario's */
    int32_t collected;                              /* things taken, in all steps; stops at INT32_MAX */
    uint8_t present[PARTICLES_MAX_ENTITIES];        /* 0: an empty slot, or out */
    uint8_t kinds[PARTICLES_MAX_ENTITIES];          /* from 1 on; of landmarks, and of what agents carry (0: nothing) */
    double positions[PARTICLES_MAX_ENTITIES][2];    /* length units */
    double velocities[PARTICLES_MAX_AGENTS][2];     /* length units a second */
    float messages[PARTICLES_MAX_SPOKEN];           /* of the last step, in [0, 1] */
} ParticlesState;

extern const AgoraWorld agora_particles;

#endif
