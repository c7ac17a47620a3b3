/* The contract between a world and the engine.
 *
 * A world is a game whose whole state is one fixed-size struct without pointers, and one `const AgoraWorld` table
 * of functions. The engine (batch.c) owns the states; Python owns every array. What each side may rely on:
 *
 * - Memory. A config is what the user asked for; a model is what the world derived from it (maps, tables, templates).
 *   Model and states are allocated once, when a batch is created, and freed with it. Config and model are constant while
 *   the batch lives, except for config fields marked `live`, which may change between two calls (no model may depend on
 *   them). The pointers in an AgoraView point into the caller's arrays and are valid only during the call.
 * - `step` and `observe` allocate nothing, print nothing, draw nothing, read no clock and touch no global: one world
 *   steps on many threads at once, on different states.
 * - Chance comes from the AgoraRng of the call and from nowhere else (rng.h), whose seed and env number are no
 *   concern of the world's.
 * - `reset` receives a state of zero bytes and makes it the first state of an episode.
 * - `step` reads the actions of its views and writes rewards, terminations, truncations and infos for every agent;
 *   the engine has zeroed none of them. It does not write observations: `observe` does, so that the last observation
 *   of an episode can be kept. It returns true when the episode is over for every agent.
 * - `observe` writes observations, action masks and alive flags from the state alone; same state, same bytes.
 * - Actions are inside their space when `step` sees them: the engine has refused the call otherwise. Whether they are
 *   legal by the mask is for the world's rules to say; an illegal one must do no harm.
 * - Simultaneous actions are resolved without favouring an index, unless the world reproduces a reference that does.
 * - Termination (ended by rule) and truncation (ended by the time limit) are separate bytes, never both for an agent.
 * - Padding stays zero, so that equal states are equal bytes: a snapshot, a copy and a hash are one memcpy each.
 * - Floating-point contraction is off in every build; the same inputs give the same bytes at any optimisation level.
 *
 * A world lives in games/<world>/<world>.c and defines `const AgoraWorld agora_<world>`. CMake finds the file by that
 * rule and generates the list of worlds; nothing else has to be edited.
 */
#ifndef AGORA_GAME_H
#define AGORA_GAME_H

#include "rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    AGORA_MAX_GROUPS = 8,        /* kinds of agents in one world */
    AGORA_MAX_AGENTS = 1024,     /* agents of one group */
    AGORA_MAX_RANK = 4,          /* dimensions of one observation or field */
    AGORA_MAX_ACTION_PARTS = 16, /* numbers in one agent's action */
    AGORA_MAX_INFOS = 8,         /* per-agent numbers reported beside the reward */
    AGORA_MAX_FIELDS = 32,       /* named parts of a state */
    AGORA_MAX_STATISTICS = 16,   /* per-episode numbers */
};

/* Why something was refused, in one line for the user. */
typedef struct AgoraError {
    char text[256];
} AgoraError;

/* Writes the message and returns false, so that a check can end with `return agora_fail(...)`. */
bool agora_fail(AgoraError *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether the value is in [low, high]; in [0, 1]; or else the message, which names it. */
bool agora_check_range(const char *name, int32_t value, int32_t low, int32_t high, AgoraError *error);
bool agora_check_share(const char *name, double value, AgoraError *error);

/* Whether these are `count` different cards of {0, ..., deck - 1}, as agora_deal_cards deals them. */
bool agora_check_deal(const char *name, const uint8_t *cards, int32_t count, int32_t deck, AgoraError *error);

typedef enum AgoraDtype { AGORA_U8, AGORA_I16, AGORA_U16, AGORA_I32, AGORA_I64, AGORA_F32, AGORA_F64 } AgoraDtype;

size_t agora_dtype_size(AgoraDtype dtype);

/* One named part of a state or of a config: where it lies and what it looks like from outside. */
typedef struct AgoraField {
    const char *name;
    AgoraDtype dtype;
    size_t offset; /* bytes from the start of the struct */
    int32_t rank;  /* 0: a scalar */
    int32_t shape[AGORA_MAX_RANK];
    bool is_span; /* config only: the struct holds an AgoraSpan, and rank and shape are not used */
    bool is_live; /* config only: may change while the batch lives */
} AgoraField;

/* A config array of any length. The binding owns the copy that `data` points to. */
typedef struct AgoraSpan {
    const void *data;
    int64_t count; /* elements */
} AgoraSpan;

typedef enum AgoraActionKind { AGORA_DISCRETE, AGORA_MULTI_DISCRETE, AGORA_CONTINUOUS } AgoraActionKind;

/* Agents that share their spaces. They stand in arrays of their own; nothing is padded to another group's shape. */
typedef struct AgoraGroup {
    char name[32];
    char agent_name[32]; /* agents are called <agent_name>_<first_agent>, <agent_name>_<first_agent + 1>, ... */
    int32_t first_agent;
    int32_t num_agents;
    AgoraDtype observation_dtype; /* AGORA_U8 or AGORA_F32 */
    int32_t observation_rank;
    int32_t observation_shape[AGORA_MAX_RANK];
    float observation_low, observation_high; /* every entry lies inside [low, high] */
    AgoraActionKind action_kind;
    int32_t action_parts;                    /* 1 for AGORA_DISCRETE */
    int32_t choices[AGORA_MAX_ACTION_PARTS]; /* discrete kinds: a part is in [0, choices) */
    float action_low[AGORA_MAX_ACTION_PARTS], action_high[AGORA_MAX_ACTION_PARTS]; /* AGORA_CONTINUOUS */
    bool has_action_mask; /* false: every action is always legal */
    int32_t num_infos;
    const char *info_names[AGORA_MAX_INFOS];
} AgoraGroup;

/* One env's rows of one group's arrays (P agents). */
typedef struct AgoraView {
    void *observations;    /* [P, D...] */
    const void *actions;   /* [P] or [P, A] int32; [P, A] float */
    uint8_t *action_masks; /* [P, sum of choices]; NULL without mask */
    float *rewards;        /* [P] */
    uint8_t *terminations, *truncations, *alive; /* [P] */
    float *infos[AGORA_MAX_INFOS];               /* [P] each */
} AgoraView;

/* What is constant for all envs of a batch. */
typedef struct AgoraContext {
    const void *config;
    const void *model;
} AgoraContext;

typedef struct AgoraWorld {
    const char *name;

    size_t config_size;
    const AgoraField *config_fields; /* ends with a NULL name */
    /* Refuses a config that the functions below could not bear (sizes, indices). Python checks first and explains
     * better; this check is what keeps C safe whoever calls. */
    bool (*check_config)(const void *config, AgoraError *error);
    size_t (*model_size)(const void *config);             /* NULL: the world needs no model */
    void (*build_model)(const void *config, void *model); /* `model` is zeroed */

    int32_t (*groups)(const AgoraContext *context, AgoraGroup groups[AGORA_MAX_GROUPS]);         /* returns how many */
    int32_t (*state_fields)(const AgoraContext *context, AgoraField fields[AGORA_MAX_FIELDS]); /* returns how many */

    size_t state_size;
    void (*reset)(const AgoraContext *context, AgoraRng *rng, void *state);
    bool (*step)(const AgoraContext *context, AgoraRng *rng, void *state, AgoraView *views);
    void (*observe)(const AgoraContext *context, const void *state, AgoraView *views);
    /* Refuses a state that did not come from this world (a damaged snapshot, a hand-written one). */
    bool (*check_state)(const AgoraContext *context, const void *state, AgoraError *error);

    int32_t num_statistics;
    const char *const *statistic_names;
    void (*statistics)(const AgoraContext *context, const void *state, double *values); /* of the episode that ended */

    /* NULL, or the engine's loop over envs, compiled around the functions above (stepping.h). */
    void (*step_envs)(void *batch, int32_t begin, int32_t end);
} AgoraWorld;

/* Worlds compiled into this library, in the order of their names. */
extern const AgoraWorld *const agora_worlds[];
extern const int32_t agora_num_worlds;

#endif
