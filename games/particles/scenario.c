#include "scenario.h"

#include "geometry.h"
#include "soft.h"

#include <math.h>
#include <stdio.h>

ParticlesCast *particles_add_cast(ParticlesModel *model, const char *name, const char *agent_name, int32_t count,
                                  ParticlesBody body)
{
    ParticlesCast *cast = &model->casts[model->num_casts++];
    *cast = (ParticlesCast){.first = model->num_agents, .count = count, .is_movable = body.is_movable};
    snprintf(cast->name, sizeof cast->name, "%s", name);
    snprintf(cast->agent_name, sizeof cast->agent_name, "%s", agent_name);
    for (int32_t a = cast->first; a < cast->first + count; a++) {
        model->radius[a] = body.radius;
        model->mass[a] = 1;
        model->accel[a] = body.accel;
        model->max_speed[a] = body.max_speed;
        if (body.collides) {
            model->colliders[model->num_colliders++] = a;
            model->num_agent_colliders++;
        }
    }
    model->num_agents += count;
    model->num_entities += count;
    return cast;
}

void particles_add_landmarks(ParticlesModel *model, int32_t count, double radius, bool collides)
{
    for (int32_t k = 0; k < count; k++) {
        int32_t entity = model->num_entities++;
        model->radius[entity] = radius;
        if (collides)
            model->colliders[model->num_colliders++] = entity;
    }
    model->num_landmarks += count;
}

int32_t particles_places(int32_t count, int32_t neighbors) { return neighbors ? neighbors : count; }

void particles_remove_landmarks(const ParticlesModel *model, ParticlesState *state, int32_t first)
{
    for (int32_t k = model->num_agents + first; k < model->num_entities; k++) {
        state->present[k] = 0;
        state->positions[k][0] = state->positions[k][1] = 0;
    }
}

void particles_place(AgoraRng *rng, double area, double position[2])
{
    for (int32_t axis = 0; axis < 2; axis++)
        position[axis] = area * (2 * agora_draw_unit(rng) - 1);
}

static int32_t sum_at_most(int32_t one, int32_t other) { return one > INT32_MAX - other ? INT32_MAX : one + other; }

void particles_count_collisions(ParticlesState *state, int32_t count)
{
    state->collisions = sum_at_most(state->collisions, count);
}

void particles_count_collected(ParticlesState *state, int32_t count)
{
    state->collected = sum_at_most(state->collected, count);
}

static double square_from(const ParticlesState *state, int32_t entity, double x, double y)
{
    double dx = state->positions[entity][0] - x, dy = state->positions[entity][1] - y;
    return state->present[entity] ? dx * dx + dy * dy : INFINITY;
}

static double lesser(double one, double other) { return one < other ? one : other; }

/* Four minima side by side, so that none waits for the one before it; the least of them is the same in any order. */
double particles_nearest(const ParticlesState *state, int32_t entity, int32_t first, int32_t end)
{
    double a = INFINITY, b = INFINITY, c = INFINITY, d = INFINITY;
    double x = state->positions[entity][0], y = state->positions[entity][1];
    int32_t other = first;
    for (; other + 4 <= end; other += 4) {
        a = lesser(square_from(state, other, x, y), a);
        b = lesser(square_from(state, other + 1, x, y), b);
        c = lesser(square_from(state, other + 2, x, y), c);
        d = lesser(square_from(state, other + 3, x, y), d);
    }
    for (; other < end; other++)
        a = lesser(square_from(state, other, x, y), a);
    a = lesser(lesser(a, b), lesser(c, d));
    return a < INFINITY ? sqrt(a) : 0; /* the root of the least is the least root */
}

static double leaving_cost_along(double place)
{
    double x = fabs(place);
    if (x < 0.9)
        return 0;
    if (x < 1)
        return (x - 0.9) * 10;
    return x < 2.2 ? fmin(1 / particles_exp_of_minus(2 * x - 2), 10) : 10; /* exp(2.4) > 10 */
}

double particles_leaving_cost(const double position[2])
{
    return leaving_cost_along(position[0]) + leaving_cost_along(position[1]);
}
