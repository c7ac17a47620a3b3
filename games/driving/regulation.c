#include "regulation.h"

#include "vehicle.h"

#define RATE 2.0     /* 1/s */
#define INTERVAL 0.25 /* s between two looks into the future */
enum { NUM_LOOKS = 11 };

/* Where a vehicle will be if it keeps its speed, and the box round all of these places. */
typedef struct Forecast {
    double x[NUM_LOOKS], y[NUM_LOOKS], headings[NUM_LOOKS];
    double low_x, high_x, low_y, high_y;
} Forecast;

/* An agent who steers freely is expected to go on steering as it does. */
static void forecast_free(const Traffic *traffic, int32_t i, Forecast *forecast)
{
    const DrivingState *state = traffic->state;
    bool is_crashed = state->crashed[i];
    double x = state->positions[i][0], y = state->positions[i][1];
    double heading = state->headings[i], speed = state->speeds[i];
    for (int32_t k = 0; k < NUM_LOOKS; k++) {
        Slip slip = is_crashed ? (Slip){0, 0} : traffic->slips[i];
        double a = is_crashed ? -speed : 0;
        if (speed > VEHICLE_MAX_SPEED)
            a = smaller_of(a, VEHICLE_MAX_SPEED - speed);
        else if (speed < -VEHICLE_MAX_SPEED)
            a = larger_of(a, -VEHICLE_MAX_SPEED - speed);
        Direction way = direction_of(heading + slip.angle);
        x += speed * way.cosine * INTERVAL;
        y += speed * way.sine * INTERVAL;
        if (k == 0 && state->has_impact[i]) {
            x += state->impacts[i][0];
            y += state->impacts[i][1];
            is_crashed = true;
        }
        heading += speed * slip.sine / (VEHICLE_LENGTH / 2) * INTERVAL;
        speed += a * INTERVAL;
        forecast->x[k] = x;
        forecast->y[k] = y;
        forecast->headings[k] = heading;
    }
}

static void forecast_route(const Traffic *traffic, int32_t i, Forecast *forecast)
{
    const DrivingState *state = traffic->state;
    for (int32_t k = 0; k < NUM_LOOKS; k++) {
        double position[2], along = traffic->places[i].along + state->speeds[i] * INTERVAL * (k + 1);
        forecast->headings[k] = road_follow_route(traffic->road, state->routes[i], state->route_lengths[i],
                                                  state->lanes[i], along, position);
        forecast->x[k] = position[0];
        forecast->y[k] = position[1];
    }
}

static void make_forecast(const Traffic *traffic, int32_t i, Forecast *forecast)
{
    if (traffic->state->kinds[i] == DRIVING_FREE)
        forecast_free(traffic, i, forecast);
    else
        forecast_route(traffic, i, forecast);
    forecast->low_x = forecast->low_y = INFINITY;
    forecast->high_x = forecast->high_y = -INFINITY;
    for (int32_t k = 0; k < NUM_LOOKS; k++) {
        forecast->low_x = smaller_of(forecast->low_x, forecast->x[k]);
        forecast->high_x = larger_of(forecast->high_x, forecast->x[k]);
        forecast->low_y = smaller_of(forecast->low_y, forecast->y[k]);
        forecast->high_y = larger_of(forecast->high_y, forecast->y[k]);
    }
}

/* Whether a corner, the middle of an edge or the centre of the first vehicle's box lies in the second's. The boxes are
 * half as long again and a tenth narrower than vehicles. The second's is turned the wrong way round, as in the reference,
 * whose test of a point rotates it by the box's angle and not back by it. */
static bool reaches_into(double dx, double dy, Direction first, Direction second)
{
    double length = 0.75 * VEHICLE_LENGTH, width = 0.45 * VEHICLE_WIDTH;
    for (int32_t u = -1; u <= 1; u++)
        for (int32_t v = -1; v <= 1; v++) {
            double x = dx + u * length * first.cosine - v * width * first.sine;
            double y = dy + u * length * first.sine + v * width * first.cosine;
            double along = second.cosine * x - second.sine * y, across = second.sine * x + second.cosine * y;
            if (fabs(along) <= length && fabs(across) <= width)
                return true;
        }
    return false;
}

static bool is_conflict(const Forecast *a, const Forecast *b)
{
    double reach = VEHICLE_LENGTH;
    if (a->low_x > b->high_x + reach || b->low_x > a->high_x + reach || a->low_y > b->high_y + reach ||
        b->low_y > a->high_y + reach)
        return false;
    for (int32_t k = 0; k < NUM_LOOKS; k++) {
        double dx = b->x[k] - a->x[k], dy = b->y[k] - a->y[k];
        if (dx * dx + dy * dy > reach * reach)
            continue;
        Direction first = direction_of(a->headings[k]), second = direction_of(b->headings[k]);
        if (reaches_into(-dx, -dy, first, second) || reaches_into(dx, dy, second, first))
            return true;
    }
    return false;
}

static double ahead_of(const Traffic *traffic, int32_t i, int32_t j)
{
    const double *mine = traffic->state->positions[i], *theirs = traffic->state->positions[j];
    Direction way = traffic->directions[i];
    return way.cosine * (theirs[0] - mine[0]) + way.sine * (theirs[1] - mine[1]);
}

/* The lower priority; of equals, the one behind. */
static int32_t who_yields(const Traffic *traffic, int32_t i, int32_t j)
{
    int32_t mine = lane_of(traffic, i)->priority, theirs = lane_of(traffic, j)->priority;
    if (mine != theirs)
        return mine > theirs ? j : i;
    return ahead_of(traffic, i, j) > ahead_of(traffic, j, i) ? i : j;
}

void regulation_enforce(Traffic *traffic)
{
    DrivingState *state = traffic->state;
    state->regulation_steps = (int32_t)((uint32_t)state->regulation_steps + 1) & INT32_MAX;
    if (state->regulation_steps % (int32_t)(1 / traffic->dt / RATE) != 0)
        return;
    Forecast forecasts[DRIVING_MAX_VEHICLES];
    for (int32_t i = 0; i < state->num_vehicles; i++) {
        if (state->is_yielding[i])
            state->target_speeds[i] = lane_of(traffic, i)->speed_limit;
        state->is_yielding[i] = 0;
        make_forecast(traffic, i, &forecasts[i]);
    }
    for (int32_t i = 0; i < state->num_vehicles - 1; i++)
        for (int32_t j = i + 1; j < state->num_vehicles; j++) {
            if (!is_conflict(&forecasts[i], &forecasts[j]))
                continue;
            int32_t yielding = who_yields(traffic, i, j);
            if (is_agent(state, yielding))
                continue;
            state->target_speeds[yielding] = 0;
            state->is_yielding[yielding] = 1;
        }
}
