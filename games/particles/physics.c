#include "physics.h"

#include <math.h>
#include <string.h>

static const double DT_S = 0.1, DAMPING = 0.25, CONTACT_FORCE = 1e2, CONTACT_MARGIN = 1e-3;

/* exp(-745.14) and all below it round to 0 in double; so does the force at a gap of 745.14 margins. */
static const double CONTACT_REACH = 0.7455;

/* exp(-x) for x in [0, 746), within 1 ulp or so. Our own: the C library's differs from machine to machine.
 * x = n log 2 + r, and exp(-r) by its Taylor polynomial: the first term left out is below 0.35^14 / 14! = 5e-18. */
static double exp_of_minus(double x)
{
    static const double LOG2_HIGH = 0x1.62e42feep-1, LOG2_LOW = 0x1.a39ef35793c76p-33; /* n * LOG2_HIGH is exact */
    static const double INVERSE_LOG2 = 0x1.71547652b82fep+0, TO_INTEGER = 0x1.8p52;
    double n = (x * INVERSE_LOG2 + TO_INTEGER) - TO_INTEGER;
    double r = (n * LOG2_HIGH - x) + n * LOG2_LOW;
    double sum = 1.0 / 6227020800;
    sum = sum * r + 1.0 / 479001600;
    sum = sum * r + 1.0 / 39916800;
    sum = sum * r + 1.0 / 3628800;
    sum = sum * r + 1.0 / 362880;
    sum = sum * r + 1.0 / 40320;
    sum = sum * r + 1.0 / 5040;
    sum = sum * r + 1.0 / 720;
    sum = sum * r + 1.0 / 120;
    sum = sum * r + 1.0 / 24;
    sum = sum * r + 1.0 / 6;
    sum = sum * r + 1.0 / 2;
    sum = (sum * r) * r + r;
    /* 2^-n in two factors, since n may pass 1022; only the last product rounds. */
    int64_t whole = (int64_t)n, half = whole / 2;
    uint64_t bits[2] = {(uint64_t)(1023 - half) << 52, (uint64_t)(1023 - (whole - half)) << 52};
    double powers[2];
    memcpy(powers, bits, sizeof powers);
    return (1 + sum) * powers[0] * powers[1];
}

/* log(1 + t) for t in [0, 1] as 2 artanh(s), s = t / (2 + t) <= 1/3; the first term left out is below 9^-17 / 35. */
static double log_of_one_plus(double t)
{
    static const double TERMS[] = {1.0 / 33, 1.0 / 31, 1.0 / 29, 1.0 / 27, 1.0 / 25, 1.0 / 23, 1.0 / 21, 1.0 / 19,
                                   1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3};
    double s = t / (2 + t), z = s * s, sum = TERMS[0];
    for (size_t k = 1; k < sizeof TERMS / sizeof TERMS[0]; k++)
        sum = sum * z + TERMS[k];
    return 2 * s + 2 * s * (sum * z);
}

/* log(1 + exp(-x)), x < 746. Beyond 37 the logarithm's argument is so near to 1 that it equals its linear part. */
static double softplus_of_minus(double x)
{
    if (x > 37)
        return exp_of_minus(x);
    return x >= 0 ? log_of_one_plus(exp_of_minus(x)) : -x + log_of_one_plus(exp_of_minus(-x));
}

/* Pairs are taken, and forces summed, in the order of the reference. */
static void add_contacts(const ParticlesModel *model, const ParticlesState *state, double forces[][2])
{
    for (int32_t i = 0; i < model->num_agent_colliders; i++) {
        int32_t a = model->colliders[i];
        if (!state->present[a])
            continue;
        for (int32_t j = i + 1; j < model->num_colliders; j++) {
            int32_t b = model->colliders[j];
            double dx = state->positions[a][0] - state->positions[b][0];
            double dy = state->positions[a][1] - state->positions[b][1];
            double square = dx * dx + dy * dy, touch = model->radius[a] + model->radius[b];
            double reach = touch + CONTACT_REACH;
            if (square > reach * reach || !state->present[b] || square == 0)
                continue;
            double distance = sqrt(square);
            double penetration = softplus_of_minus((distance - touch) / CONTACT_MARGIN) * CONTACT_MARGIN;
            double push_x = CONTACT_FORCE * dx / distance * penetration;
            double push_y = CONTACT_FORCE * dy / distance * penetration;
            forces[a][0] += push_x;
            forces[a][1] += push_y;
            if (b < model->num_agents) {
                forces[b][0] -= push_x;
                forces[b][1] -= push_y;
            }
        }
    }
}

static double within_limit(double value)
{
    value = value > PARTICLES_LIMIT ? PARTICLES_LIMIT : value;
    return value < -PARTICLES_LIMIT ? -PARTICLES_LIMIT : value;
}

static void integrate(const ParticlesConfig *config, const ParticlesModel *model, ParticlesState *state, int32_t a,
                      const double force[2])
{
    double *position = state->positions[a], *velocity = state->velocities[a];
    double old[2] = {velocity[0], velocity[1]};
    for (int32_t axis = 0; axis < 2; axis++)
        velocity[axis] = velocity[axis] * (1 - DAMPING) + force[axis] / model->mass[a] * DT_S;
    double speed = sqrt(velocity[0] * velocity[0] + velocity[1] * velocity[1]);
    for (int32_t axis = 0; axis < 2; axis++) {
        if (speed > model->max_speed[a])
            velocity[axis] = velocity[axis] / speed * model->max_speed[a];
        velocity[axis] = within_limit(velocity[axis]);
        double moving = config->moves_before_forces ? old[axis] : velocity[axis];
        position[axis] = within_limit(position[axis] + moving * DT_S);
    }
}

void particles_move(const ParticlesConfig *config, const ParticlesModel *model, ParticlesState *state,
                    double forces[][2])
{
    add_contacts(model, state, forces);
    for (int32_t c = 0; c < model->num_casts; c++) {
        const ParticlesCast *cast = &model->casts[c];
        for (int32_t a = cast->first; cast->is_movable && a < cast->first + cast->count; a++)
            if (state->present[a])
                integrate(config, model, state, a, forces[a]);
    }
}
