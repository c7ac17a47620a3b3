#include "physics.h"

#include <math.h>

/* Radii of the links, m: dm_control's. */
#define PENDULUM_POLE_RADIUS 0.02
#define PENDULUM_BOB_RADIUS 0.05
#define CARTPOLE_POLE_RADIUS 0.045
#define UPPER_ARM_RADIUS 0.05
#define LOWER_ARM_RADIUS 0.049

/* The rail's end and its give: MuJoCo's soft limit with the suite's solreflimit and MuJoCo's default solimp. */
#define RAIL 1.8
#define LIMIT_TIME_CONSTANT 0.08
#define IMPEDANCE_LOW 0.9
#define IMPEDANCE_HIGH 0.95
#define IMPEDANCE_WIDTH 0.001

int32_t control_num_coordinates(int32_t task) { return task == CONTROL_PENDULUM ? 1 : 2; }

/* Across the axis, about the middle, of a cylinder with half a ball at either end, of one density. */
static double capsule_inertia(double mass, double length, double radius)
{
    double cylinder = radius * radius * length, balls = 4.0 / 3.0 * radius * radius * radius;
    double of_cylinder = mass * cylinder / (cylinder + balls), of_balls = mass - of_cylinder;
    return of_cylinder * (length * length / 12 + radius * radius / 4) +
           of_balls * (2.0 / 5.0 * radius * radius + length * length / 4 + 3.0 / 8.0 * length * radius);
}

/* The mass whose inertia link `index` has. */
static double inertial_mass(const ControlConfig *config, const ControlBody *body, int32_t index)
{
    return config->inertia_follows_mass ? body->masses[index] : config->nominal_masses[index];
}

/* ---- pendulum ---- */

typedef struct Pendulum {
    double inertia; /* about the hinge */
    double moment;  /* mass times distance from the hinge */
    double centre;  /* m from the hinge to the centre of mass */
} Pendulum;

static Pendulum pendulum_of(const ControlConfig *config, const ControlBody *body)
{
    double pole = body->masses[0], bob = body->masses[1], length = body->lengths[0];
    double own = capsule_inertia(inertial_mass(config, body, 0), length, PENDULUM_POLE_RADIUS) +
                 2.0 / 5.0 * inertial_mass(config, body, 1) * PENDULUM_BOB_RADIUS * PENDULUM_BOB_RADIUS;
    double moment = pole * length / 2 + bob * length;
    return (Pendulum){own + pole * length * length / 4 + bob * length * length, moment, moment / (pole + bob)};
}

/* Speed first, then place; damping is taken at the end of the step (MuJoCo's Euler). */
static void step_pendulum(const ControlConfig *config, ControlState *state)
{
    Pendulum it = pendulum_of(config, &state->body);
    double angle = state->coordinates[0], damping = state->body.damping[0], dt = config->timestep;
    double torque = state->controls[0] + it.moment * CONTROL_GRAVITY * sin(angle) +
                    it.centre * (state->forces[0] * cos(angle) - state->forces[1] * sin(angle));
    state->speeds[0] += dt * (torque - damping * state->speeds[0]) / (it.inertia + dt * damping);
    state->coordinates[0] += dt * state->speeds[0];
}

/* ---- two coordinates: M a = f ---- */

typedef struct Matrix2 {
    double a, b, c; /* a b; b c */
} Matrix2;

static void solve(Matrix2 m, const double f[2], double out[2])
{
    double determinant = m.a * m.c - m.b * m.b;
    out[0] = (m.c * f[0] - m.b * f[1]) / determinant;
    out[1] = (m.a * f[1] - m.b * f[0]) / determinant;
}

/* ---- cartpole ---- */

static Matrix2 cartpole_mass(const ControlConfig *config, const ControlBody *body, double angle)
{
    double half = body->lengths[0] / 2, pole = body->masses[1];
    double own = capsule_inertia(inertial_mass(config, body, 1), body->lengths[0], CARTPOLE_POLE_RADIUS);
    return (Matrix2){body->masses[0] + pole, pole * half * cos(angle), own + pole * half * half};
}

/* What d of MuJoCo's soft constraints is where the rail's end is passed by `depth`. */
static double impedance(double depth)
{
    double x = depth / IMPEDANCE_WIDTH;
    double share = x >= 1 ? 1 : x <= 0.5 ? 2 * x * x : 1 - 2 * (1 - x) * (1 - x);
    return IMPEDANCE_LOW + share * (IMPEDANCE_HIGH - IMPEDANCE_LOW);
}

/* Adds the push of the rail's end to accelerations, as MuJoCo solves for one soft limit: the force f >= 0 with
 * J a = J a0 + A f, f = max(0, (a_ref - J a0) / (A + R)). */
static void push_back(const ControlConfig *config, const ControlState *state, const double q[2], const double v[2],
                      Matrix2 mass, double a[2])
{
    double side = q[0] > 0 ? -1 : 1, depth = fabs(q[0]) - RAIL;
    if (depth <= 0)
        return;
    Matrix2 upright = cartpole_mass(config, &state->body, 0);
    double weight = upright.c / (upright.a * upright.c - upright.b * upright.b);
    double d = impedance(depth), time = LIMIT_TIME_CONSTANT, high = IMPEDANCE_HIGH;
    double wanted = -2 / (high * time) * side * v[0] + d * depth / (high * high * time * time);
    double slack = (1 - d) / d * weight;
    double response = mass.c / (mass.a * mass.c - mass.b * mass.b);
    double force = (wanted - side * a[0]) / (response + slack);
    if (force <= 0)
        return;
    double pushed[2], pull[2] = {side * force, 0};
    solve(mass, pull, pushed);
    a[0] += pushed[0];
    a[1] += pushed[1];
}

static void accelerate_cartpole(const ControlConfig *config, const ControlState *state, const double q[2],
                                const double v[2], double a[2])
{
    const ControlBody *body = &state->body;
    double half = body->lengths[0] / 2, pole = body->masses[1], sine = sin(q[1]), cosine = cos(q[1]);
    double fx = state->forces[0], fz = state->forces[1];
    double f[2] = {
        state->controls[0] + pole * half * sine * v[1] * v[1] - body->damping[0] * v[0] + fx,
        pole * CONTROL_GRAVITY * half * sine - body->damping[1] * v[1] + half * (fx * cosine - fz * sine),
    };
    Matrix2 mass = cartpole_mass(config, body, q[1]);
    solve(mass, f, a);
    push_back(config, state, q, v, mass, a);
}

/* ---- acrobot ---- */

typedef struct Acrobot {
    double inertias[2], halves[2]; /* about the middles; from joint to middle */
} Acrobot;

static Acrobot acrobot_of(const ControlConfig *config, const ControlBody *body)
{
    static const double RADII[2] = {UPPER_ARM_RADIUS, LOWER_ARM_RADIUS};
    Acrobot it = {{0}, {body->lengths[0] / 2, body->lengths[1] / 2}};
    for (int32_t i = 0; i < 2; i++)
        it.inertias[i] = capsule_inertia(inertial_mass(config, body, i), body->lengths[i], RADII[i]);
    return it;
}

static Matrix2 acrobot_mass(const ControlBody *body, const Acrobot *it, double elbow)
{
    double lower = body->masses[1], arm = body->lengths[0], half = it->halves[1];
    double coupling = lower * arm * half * cos(elbow);
    double second = it->inertias[1] + lower * half * half;
    double first = it->inertias[0] + body->masses[0] * it->halves[0] * it->halves[0] + lower * arm * arm;
    return (Matrix2){first + second + 2 * coupling, second + coupling, second};
}

static void accelerate_acrobot(const ControlConfig *config, const ControlState *state, const double q[2],
                               const double v[2], double a[2])
{
    const ControlBody *body = &state->body;
    Acrobot it = acrobot_of(config, body);
    double upper = body->masses[0], lower = body->masses[1], arm = body->lengths[0];
    double whirl = lower * arm * it.halves[1] * sin(q[1]);
    double of_lower = lower * it.halves[1] * CONTROL_GRAVITY * sin(q[0] + q[1]);
    double push = it.halves[0] * (state->forces[0] * cos(q[0]) - state->forces[1] * sin(q[0]));
    double f[2] = {
        whirl * (2 * v[0] * v[1] + v[1] * v[1]) + (upper * it.halves[0] + lower * arm) * CONTROL_GRAVITY * sin(q[0]) +
            of_lower - body->damping[0] * v[0] + push,
        -whirl * v[0] * v[0] + of_lower - body->damping[1] * v[1] + state->controls[0],
    };
    solve(acrobot_mass(body, &it, q[1]), f, a);
}

double control_tip_distance(const ControlState *state)
{
    const double *lengths = state->body.lengths;
    double first = state->coordinates[0], second = first + state->coordinates[1];
    return hypot(lengths[0] * sin(first) + lengths[1] * sin(second),
                 lengths[0] * (cos(first) - 1) + lengths[1] * (cos(second) - 1));
}

/* ---- integration of two joints ---- */

static void accelerate(const ControlConfig *config, const ControlState *state, const double q[2], const double v[2],
                       double a[2])
{
    if (config->task == CONTROL_CARTPOLE)
        accelerate_cartpole(config, state, q, v, a);
    else
        accelerate_acrobot(config, state, q, v, a);
}

/* The classical Runge-Kutta method of order four. */
static void step_runge_kutta(const ControlConfig *config, ControlState *state)
{
    static const double AHEAD[4] = {0, 0.5, 0.5, 1}, SHARES[4] = {1 / 6.0, 1 / 3.0, 1 / 3.0, 1 / 6.0};
    double dt = config->timestep, q[2], v[2], dq[2] = {0}, dv[2] = {0}, sum_q[2] = {0}, sum_v[2] = {0};
    for (int32_t stage = 0; stage < 4; stage++) {
        for (int32_t i = 0; i < 2; i++) {
            q[i] = state->coordinates[i] + AHEAD[stage] * dt * dq[i];
            v[i] = state->speeds[i] + AHEAD[stage] * dt * dv[i];
        }
        accelerate(config, state, q, v, dv);
        for (int32_t i = 0; i < 2; i++) {
            dq[i] = v[i];
            sum_q[i] += SHARES[stage] * dq[i];
            sum_v[i] += SHARES[stage] * dv[i];
        }
    }
    for (int32_t i = 0; i < 2; i++) {
        state->coordinates[i] += dt * sum_q[i];
        state->speeds[i] += dt * sum_v[i];
    }
}

/* ---- point mass ---- */

/* Stops it at the box's sides. */
static void stop_at_sides(ControlState *state)
{
    for (int32_t i = 0; i < 2; i++)
        if (fabs(state->coordinates[i]) > CONTROL_BOX) {
            state->coordinates[i] = copysign(CONTROL_BOX, state->coordinates[i]);
            state->speeds[i] = 0;
        }
}

static void step_point_mass(const ControlConfig *config, ControlState *state)
{
    const ControlBody *body = &state->body;
    double dt = config->timestep, before = state->coordinates[1];
    bool is_windy = before >= CONTROL_WIND_FROM && before <= CONTROL_WIND_TO;
    for (int32_t i = 0; i < 2; i++) {
        double force = state->controls[i] + (is_windy ? state->forces[i] : 0) - body->damping[i] * state->speeds[i];
        state->speeds[i] += dt * force / body->masses[0];
    }
    double x = state->coordinates[0] + dt * state->speeds[0], y = before + dt * state->speeds[1];
    bool crosses = (before < 0) != (y < 0);
    double share = crosses ? before / (before - y) : 0; /* of this step, until it is at the wall */
    double at_wall = state->coordinates[0] + share * (x - state->coordinates[0]);
    state->coordinates[0] = x;
    state->coordinates[1] = y;
    if (crosses && fabs(at_wall) > CONTROL_HALF_GAP) {
        state->coordinates[1] = before < 0 ? -1e-9 : 0; /* on its own side */
        state->speeds[1] = 0;
    }
    stop_at_sides(state);
}

/* ---- all bodies ---- */

static double within(double value, double most) { return fmax(-most, fmin(most, value)); }

/* Keeps numbers finite whatever the parameters are. */
static void hold(const ControlConfig *config, ControlState *state)
{
    for (int32_t i = 0; i < CONTROL_COORDINATES; i++) {
        state->speeds[i] = within(state->speeds[i], CONTROL_MAX_SPEED);
        bool is_angle = config->task == CONTROL_ACROBOT || (config->task == CONTROL_PENDULUM && i == 0) ||
                        (config->task == CONTROL_CARTPOLE && i == 1);
        if (is_angle && fabs(state->coordinates[i]) > CONTROL_MAX_ANGLE)
            state->coordinates[i] = remainder(state->coordinates[i], 2 * CONTROL_PI);
        state->coordinates[i] = within(state->coordinates[i], CONTROL_MAX_ANGLE);
    }
}

void control_advance(const ControlConfig *config, ControlState *state)
{
    for (int32_t k = 0; k < config->substeps; k++) {
        if (config->task == CONTROL_POINT_MASS)
            step_point_mass(config, state);
        else if (config->task == CONTROL_PENDULUM)
            step_pendulum(config, state);
        else
            step_runge_kutta(config, state);
        hold(config, state);
    }
}
