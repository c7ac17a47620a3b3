#include "physics.h"

#include "soft.h"

#include <math.h>

static const double DT_S = 0.1, DAMPING = 0.25, CONTACT_FORCE = 1e2, CONTACT_MARGIN = 1e-3;

/* exp(-745.14) and all below it round to 0 in double; so does the force at a gap of 745.14 margins. */
static const double CONTACT_REACH = 0.7455;

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
            double penetration = particles_softplus_of_minus((distance - touch) / CONTACT_MARGIN) * CONTACT_MARGIN;
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
