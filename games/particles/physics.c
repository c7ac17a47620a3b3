#include "physics.h"

#include "soft.h"

#include <math.h>

static const double DT_S = 0.1, DAMPING = 0.25, CONTACT_FORCE = 1e2, CONTACT_MARGIN = 1e-3;

/* Bodies further apart than this do not push each other: at a gap of 110 margins a step's push is 2e-50 length units a
 * second, of which float32 shows nothing and a velocity that is any other than 0 takes no notice. In a crowd nine pairs of
 * ten are such. */
static const double CONTACT_REACH = 0.11;

/* Pairs that are near enough to push each other. Three passes over a few hundred at a time: who is near, which few are;
 * how hard they push, without branches; who gets it. */
enum { MAX_PAIRS = 2 * PARTICLES_MAX_ENTITIES };
typedef struct Pairs {
    int32_t count;
    int32_t one[MAX_PAIRS], other[MAX_PAIRS];
    double dx[MAX_PAIRS], dy[MAX_PAIRS]; /* place of one minus place of the other */
    double squares[MAX_PAIRS];           /* of the distance */
    double touch[MAX_PAIRS];             /* distance at which they touch */
} Pairs;

/* Adds the pairs of the i-th collider with those after it. */
static void find_pairs(const ParticlesModel *model, const ParticlesState *state, int32_t i, Pairs *pairs)
{
    int32_t a = model->colliders[i], count = pairs->count;
    double x = state->positions[a][0], y = state->positions[a][1], radius = model->radius[a];
    for (int32_t j = i + 1; j < model->num_colliders; j++) {
        int32_t b = model->colliders[j];
        double dx = x - state->positions[b][0], dy = y - state->positions[b][1], square = dx * dx + dy * dy;
        double touch = radius + model->radius[b], reach = touch + CONTACT_REACH;
        if (square > reach * reach || square == 0 || !state->present[b])
            continue;
        pairs->one[count] = a;
        pairs->other[count] = b;
        pairs->dx[count] = dx;
        pairs->dy[count] = dy;
        pairs->squares[count] = square;
        pairs->touch[count++] = touch;
    }
    pairs->count = count;
}

/* Forces are summed in the order of the reference. */
static void push_pairs(const ParticlesModel *model, Pairs *pairs, double forces[][2])
{
    double gaps[MAX_PAIRS], softness[MAX_PAIRS]; /* in margins */
    for (int32_t k = 0; k < pairs->count; k++) {
        pairs->squares[k] = sqrt(pairs->squares[k]);
        gaps[k] = (pairs->squares[k] - pairs->touch[k]) / CONTACT_MARGIN;
        softness[k] = particles_exp_of_minus(fabs(gaps[k]));
    }
    for (int32_t k = 0; k < pairs->count; k++) {
        int32_t a = pairs->one[k], b = pairs->other[k];
        double penetration = particles_softplus_of_minus(gaps[k], softness[k]) * CONTACT_MARGIN;
        double push_x = CONTACT_FORCE * pairs->dx[k] / pairs->squares[k] * penetration;
        double push_y = CONTACT_FORCE * pairs->dy[k] / pairs->squares[k] * penetration;
        double ratio = model->weight[b] / model->weight[a], inverse = model->weight[a] / model->weight[b];
        forces[a][0] += push_x * ratio;
        forces[a][1] += push_y * ratio;
        if (b < model->num_agents) {
            forces[b][0] -= push_x * inverse;
            forces[b][1] -= push_y * inverse;
        }
    }
    pairs->count = 0;
}

static void add_contacts(const ParticlesModel *model, const ParticlesState *state, double forces[][2])
{
    Pairs pairs;
    pairs.count = 0;
    for (int32_t i = 0; i < model->num_agent_colliders; i++) {
        if (state->present[model->colliders[i]])
            find_pairs(model, state, i, &pairs);
        if (pairs.count > MAX_PAIRS - PARTICLES_MAX_ENTITIES)
            push_pairs(model, &pairs, forces);
    }
    push_pairs(model, &pairs, forces);
}

static double within(double limit, double value)
{
    value = value > limit ? limit : value;
    return value < -limit ? -limit : value;
}

/* Most are slow enough to be told without a root. */
static void limit_speed(double velocity[2], double most)
{
    double square = velocity[0] * velocity[0] + velocity[1] * velocity[1];
    if (square < 0.999 * most * most)
        return;
    double speed = sqrt(square);
    for (int32_t axis = 0; axis < 2 && speed > most; axis++)
        velocity[axis] = velocity[axis] / speed * most;
}

static void integrate(const ParticlesConfig *config, const ParticlesModel *model, ParticlesState *state, int32_t a,
                      const double force[2])
{
    double *position = state->positions[a], *velocity = state->velocities[a];
    double old[2] = {velocity[0], velocity[1]};
    for (int32_t axis = 0; axis < 2; axis++)
        velocity[axis] = velocity[axis] * (1 - DAMPING) + force[axis] / model->mass[a] * DT_S;
    limit_speed(velocity, model->max_speed[a]);
    for (int32_t axis = 0; axis < 2; axis++) {
        velocity[axis] = within(PARTICLES_LIMIT, velocity[axis]);
        double moving = config->moves_before_forces ? old[axis] : velocity[axis];
        position[axis] = within(model->field, position[axis] + moving * DT_S);
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
