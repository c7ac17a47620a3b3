#include "controller.h"

/* Reciprocals of the time constants of ControlledVehicle, 1/s, and how far ahead it looks, s. */
#define SPEED_GAIN (1 / 0.6)
#define LATERAL_GAIN (1 / 0.6)
#define HEADING_GAIN (1 / 0.2)
#define PURSUIT_TIME (0.5 * 0.2)
#define HALF_LENGTH 2.5 /* m */
#define SINE_OF_45_DEGREES 0.70710678118654752440
/* Of the largest steering angle, 60 degrees, as the reference rounds them. */
#define LARGEST_SLIP 0.7137243789447655
#define SINE_OF_LARGEST_SLIP 0.654653670707977

void controller_follow_road(Traffic *traffic, int32_t i)
{
    DrivingState *state = traffic->state;
    const Lane *target = &traffic->road->lanes[state->target_lanes[i]];
    double x = state->positions[i][0], y = state->positions[i][1];
    bool is_own = state->target_lanes[i] == state->lanes[i];
    double along = is_own ? traffic->places[i].along : lane_locate(target, x, y).along;
    if (along <= target->length - HALF_LENGTH)
        return;
    state->target_lanes[i] = (uint8_t)road_next_lane(traffic->road, state->target_lanes[i], x, y, state->routes[i],
                                                     &state->route_lengths[i]);
    note_target(traffic, i);
}

Slip controller_steer(const Traffic *traffic, int32_t i)
{
    const DrivingState *state = traffic->state;
    const Lane *target = &traffic->road->lanes[state->target_lanes[i]];
    bool is_own = state->target_lanes[i] == state->lanes[i];
    Place place = is_own ? traffic->places[i] : lane_locate(target, state->positions[i][0], state->positions[i][1]);
    double speed = state->speeds[i], wanted = lane_heading(target, place.along + speed * PURSUIT_TIME);
    double divisor = not_zero(speed);
    if (place.across != 0) {
        double sine = -LATERAL_GAIN * place.across / divisor;
        if (fabs(sine) < SINE_OF_45_DEGREES)
            wanted += arc_sine(sine);
        else
            wanted += sine > 0 ? DRIVING_PI / 4 : -DRIVING_PI / 4;
    }
    double rate = HEADING_GAIN * wrap_angle(wanted - state->headings[i]);
    if (rate == 0)
        return (Slip){0, 0};
    double sine = HALF_LENGTH / divisor * rate;
    if (fabs(sine) >= SINE_OF_LARGEST_SLIP)
        return sine > 0 ? (Slip){LARGEST_SLIP, SINE_OF_LARGEST_SLIP} : (Slip){-LARGEST_SLIP, -SINE_OF_LARGEST_SLIP};
    return (Slip){arc_sine(sine), sine};
}

void controller_act(Traffic *traffic, int32_t i)
{
    const DrivingState *state = traffic->state;
    controller_follow_road(traffic, i);
    traffic->slips[i] = controller_steer(traffic, i);
    traffic->accelerations[i] = SPEED_GAIN * (state->target_speeds[i] - state->speeds[i]);
}

int32_t controller_speed_index(const DrivingConfig *config, double speed)
{
    const double *speeds = config->target_speeds.data;
    int64_t last = config->target_speeds.count - 1;
    if (last == 0)
        return 0;
    double place = (speed - speeds[0]) / (speeds[last] - speeds[0]) * (double)last;
    double whole = floor(place + 0.5);
    if (whole - place == 0.5 && fmod(whole, 2) != 0)
        whole -= 1;
    return (int32_t)clip(whole, 0, (double)last);
}

static void change_speed(Traffic *traffic, int32_t i, int32_t step)
{
    DrivingState *state = traffic->state;
    int32_t last = (int32_t)traffic->config->target_speeds.count - 1;
    int32_t index = controller_speed_index(traffic->config, state->speeds[i]) + step;
    index = index < 0 ? 0 : index > last ? last : index;
    state->speed_indices[i] = (uint8_t)index;
    state->target_speeds[i] = ((const double *)traffic->config->target_speeds.data)[index];
}

static void change_lane(Traffic *traffic, int32_t i, int32_t step)
{
    DrivingState *state = traffic->state;
    const Lane *target = &traffic->road->lanes[state->target_lanes[i]];
    int32_t id = target->id + step;
    id = id < 0 ? 0 : id >= target->siblings ? target->siblings - 1 : id;
    if (lane_is_reachable(&traffic->road->lanes[target->first + id], state->positions[i][0], state->positions[i][1]))
        state->target_lanes[i] = (uint8_t)(target->first + id);
}

void controller_choose(Traffic *traffic, int32_t i, DrivingMove move)
{
    /* The reference acts at once and again in the first frame, so short lanes can be left behind twice. */
    if (move == DRIVING_FASTER || move == DRIVING_SLOWER)
        change_speed(traffic, i, move == DRIVING_FASTER ? 1 : -1);
    controller_follow_road(traffic, i);
    if (move == DRIVING_LEFT || move == DRIVING_RIGHT)
        change_lane(traffic, i, move == DRIVING_RIGHT ? 1 : -1);
}

/* In single precision, as the reference computes it from single-precision actions. */
static double map_action(float action, const double range[2])
{
    return (double)((float)range[0] + (action + 1.0f) * (float)(range[1] - range[0]) / 2.0f);
}

void controller_set(Traffic *traffic, int32_t i, float throttle, float steering)
{
    Direction way = direction_of(map_action(steering, traffic->config->steering_range));
    traffic->accelerations[i] = map_action(throttle, traffic->config->acceleration_range);
    double tangent = 0.5 * (way.sine / way.cosine);
    traffic->slips[i] = (Slip){arc_tangent(tangent), tangent / sqrt(1 + tangent * tangent)};
}
