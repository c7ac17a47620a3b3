/* Control under an adversary: bodies with one or two joints, a protagonist that moves them, an adversary that pushes.
 *
 * After the tasks of "quantal adversarial RL" (Reddi et al. 2024), which push bodies of dm_control's suite (Tassa et al.
 * 2018); README.md says what is the suite's and what is ours. Everything is in SI units; x points right, z up (y in
 * the plane of the point mass), angles turn from z towards x, and 0 is upright.
 *
 *   task        coordinates                 protagonist               adversary pushes          observation
 *   point mass  x, y                        force, 2 parts            the mass, in the wind     x, y, speeds
 *   pendulum    angle                       torque at the hinge       the pendulum              cos, sin, speed
 *   cartpole    cart, angle                 force on the cart         the pole                  x, cos, sin, speeds
 *   acrobot     angle, angle to the first   torque at the elbow       the upper arm             sines, cosines, speeds
 *
 * Observations are float32, and end with the context where `shows_context` is set. An adversary's action is in [-1, 1]
 * for each direction, and is the share of the largest force. It acts at the centre of mass.
 */
#ifndef AGORA_CONTROL_H
#define AGORA_CONTROL_H

#include "../core/game.h"

enum {
    CONTROL_COORDINATES = 2, /* of a body, at most */
    CONTROL_VARIANT_SIZE = 7,
    CONTROL_MAX_VARIANTS = 1 << 16,
    CONTROL_MAX_CONTEXTS = 64,
    CONTROL_MAX_SUBSTEPS = 1000,
};

/* What states and settings are held within. */
#define CONTROL_MAX_ANGLE 1e4    /* rad, or m of a place; an angle beyond it is turned back by whole circles */
#define CONTROL_MAX_SPEED 1e4    /* rad/s or m/s */
#define CONTROL_MAX_MASS 1e3     /* kg */
#define CONTROL_MIN_MASS 1e-3
#define CONTROL_MAX_LENGTH 1e2   /* m */
#define CONTROL_MIN_LENGTH 1e-2
#define CONTROL_MAX_DAMPING 1e3  /* N s/m or N m s/rad */
#define CONTROL_MAX_FORCE 1e4    /* N */
#define CONTROL_MAX_CONTEXT 1e6

typedef enum ControlTask {
    CONTROL_POINT_MASS,
    CONTROL_PENDULUM,
    CONTROL_CARTPOLE,
    CONTROL_ACROBOT,
    CONTROL_NUM_TASKS,
} ControlTask;

typedef enum ControlWind { CONTROL_BIDIRECTIONAL, CONTROL_LEFT_ONLY, CONTROL_PLANE, CONTROL_NUM_WINDS } ControlWind;

/* The physical parameters of one env. */
typedef struct ControlBody {
    double masses[2];  /* point mass: it, -; pendulum: pole, bob; cartpole: cart, pole; acrobot: upper, lower arm */
    double lengths[2]; /* pendulum: pole, -; cartpole: pole, -; acrobot: upper, lower arm */
    double damping[2]; /* of each coordinate */
    double force;      /* N, the adversary's largest */
} ControlBody;

typedef struct ControlConfig {
    AgoraSpan variants; /* double [V, CONTROL_VARIANT_SIZE]: a ControlBody a row; each episode draws one */
    double contexts[CONTROL_MAX_CONTEXTS]; /* each episode draws one of the first num_contexts */
    int32_t num_contexts;
    int32_t task, wind; /* ControlTask; ControlWind of the point mass */
    double nominal_masses[2]; /* whose inertia links have where it does not follow the mass */
    double motor;       /* N or N m, the protagonist's largest in each direction */
    double timestep;    /* s, of one integration step */
    int32_t substeps;   /* integration steps of one step */
    int32_t horizon;    /* steps */
    uint8_t starts_upright;       /* cartpole: near the balance; otherwise hanging */
    uint8_t inertia_follows_mass; /* 1: links keep their density's shape; 0: MuJoCo's body_mass alone */
    uint8_t shows_context, context_scales_force;
} ControlConfig;

typedef struct ControlState {
    double coordinates[CONTROL_COORDINATES], speeds[CONTROL_COORDINATES];
    ControlBody body;
    double context;
    double controls[2], forces[2]; /* of the last step: the protagonist's in its units, the adversary's in N */
    double total_force;            /* N, sum over steps of the size of the adversary's force */
    int32_t variant, timestep;
    uint8_t has_arrived; /* the point mass, at its goal */
    uint8_t padding[7];
} ControlState;

extern const AgoraWorld agora_control;

#endif
