#include "vehicle.h"

/* ---- motion ---- */

/* States that were loaded can be far from any road; they stay finite, and headings in the range of direction_of. */
static void keep_in_range(DrivingState *state, int32_t i)
{
    for (int32_t k = 0; k < 2; k++)
        state->positions[i][k] = clip(state->positions[i][k], -DRIVING_MAX_DISTANCE, DRIVING_MAX_DISTANCE);
    if (fabs(state->headings[i]) > DRIVING_MAX_HEADING)
        state->headings[i] = wrap_angle(state->headings[i]);
}

void vehicle_step(Traffic *traffic, int32_t i)
{
    DrivingState *state = traffic->state;
    double dt = traffic->dt, speed = state->speeds[i], a = traffic->accelerations[i];
    Slip slip = traffic->slips[i];
    if (state->kinds[i] == DRIVING_TRAFFIC)
        state->timers[i] += dt;
    if (state->crashed[i]) {
        slip = (Slip){0, 0};
        a = -speed;
    }
    if (speed > VEHICLE_MAX_SPEED)
        a = smaller_of(a, VEHICLE_MAX_SPEED - speed);
    else if (speed < -VEHICLE_MAX_SPEED)
        a = larger_of(a, -VEHICLE_MAX_SPEED - speed);
    traffic->accelerations[i] = a; /* a free agent's choice stays limited for the rest of its step */
    bool is_steered = slip.angle != 0;
    Direction way = is_steered ? direction_of(state->headings[i] + slip.angle) : traffic->directions[i];
    state->positions[i][0] += speed * way.cosine * dt;
    state->positions[i][1] += speed * way.sine * dt;
    if (state->has_impact[i]) {
        state->positions[i][0] += state->impacts[i][0];
        state->positions[i][1] += state->impacts[i][1];
        state->impacts[i][0] = state->impacts[i][1] = 0;
        state->has_impact[i] = 0;
        state->crashed[i] = 1;
    }
    if (is_steered) {
        state->headings[i] += speed * slip.sine / (VEHICLE_LENGTH / 2) * dt;
        keep_in_range(state, i);
        traffic->directions[i] = direction_of(state->headings[i]);
    }
    keep_in_range(state, i);
    state->speeds[i] += a * dt;
    traffic_locate(traffic, i);
}

/* ---- collisions ---- */

typedef struct Interval {
    double low, high;
} Interval;

static double gap_between(Interval a, Interval b) { return a.low < b.low ? b.low - a.high : a.low - b.high; }

typedef struct Corners {
    double at[4][2];
} Corners;

/* Backwards from the left, as in the reference: pushes leave cars just touching, and just beside a lane, where the last
 * bit decides what happens next. */
static Corners corners_of(const Box *box)
{
    static const double SIGNS[4][2] = {{-1, -1}, {-1, 1}, {1, 1}, {1, -1}};
    Corners corners;
    for (int32_t k = 0; k < 4; k++) {
        double u = SIGNS[k][0] * box->half_length, v = SIGNS[k][1] * box->half_width;
        corners.at[k][0] = (box->direction.cosine * u - box->direction.sine * v) + box->x;
        corners.at[k][1] = (box->direction.sine * u + box->direction.cosine * v) + box->y;
    }
    return corners;
}

/* Onto a line through the origin with this direction. */
static Interval project(const Corners *corners, const double axis[2])
{
    Interval shadow = {INFINITY, -INFINITY};
    for (int32_t k = 0; k < 4; k++) {
        double place = corners->at[k][0] * axis[0] + corners->at[k][1] * axis[1];
        shadow = (Interval){smaller_of(shadow.low, place), larger_of(shadow.high, place)};
    }
    return shadow;
}

/* The outward normal of the side from corner k. Opposite sides do not measure the same where one box's shadow lies
 * within the other's. */
static void normal_of(const Corners *corners, int32_t k, double normal[2])
{
    const double *from = corners->at[k], *to = corners->at[(k + 1) % 4];
    double x = from[1] - to[1], y = to[0] - from[0], length = sqrt(x * x + y * y);
    normal[0] = x / length;
    normal[1] = y / length;
}

static double middle_of(const Corners *corners, int32_t axis)
{
    return (corners->at[0][axis] + corners->at[1][axis] + corners->at[2][axis] + corners->at[3][axis]) / 4;
}

Contact boxes_meet(const Box *first, const Box *second)
{
    Corners a = corners_of(first), b = corners_of(second);
    double dx = middle_of(&a, 0) - middle_of(&b, 0), dy = middle_of(&a, 1) - middle_of(&b, 1), least = INFINITY;
    double shift[2] = {first->shift[0] - second->shift[0], first->shift[1] - second->shift[1]};
    Contact contact = {true, true, {0, 0}};
    for (int32_t k = 0; k < 8; k++) {
        double axis[2];
        normal_of(k < 4 ? &a : &b, k % 4, axis);
        Interval mine = project(&a, axis), theirs = project(&b, axis);
        contact.is_now &= gap_between(mine, theirs) <= 0;
        double motion = axis[0] * shift[0] + axis[1] * shift[1];
        *(motion < 0 ? &mine.low : &mine.high) += motion;
        double distance = gap_between(mine, theirs);
        contact.is_soon &= distance <= 0;
        if (!contact.is_now && !contact.is_soon)
            return contact;
        if (fabs(distance) < least) {
            least = fabs(distance);
            double side = dx * axis[0] + dy * axis[1] > 0 ? least : -least;
            contact.push[0] = side * axis[0];
            contact.push[1] = side * axis[1];
        }
    }
    return contact;
}

static Box box_of(const Traffic *traffic, int32_t i)
{
    const DrivingState *state = traffic->state;
    Direction way = traffic->directions[i];
    double speed = state->speeds[i], dt = traffic->dt;
    return (Box){state->positions[i][0], state->positions[i][1], VEHICLE_LENGTH / 2, VEHICLE_WIDTH / 2, way,
                 {speed * way.cosine * dt, speed * way.sine * dt}};
}

static void push_vehicle(DrivingState *state, int32_t i, double x, double y)
{
    state->impacts[i][0] = x;
    state->impacts[i][1] = y;
    state->has_impact[i] = 1;
}

static void meet_vehicle(Traffic *traffic, int32_t i, int32_t j)
{
    DrivingState *state = traffic->state;
    Box a = box_of(traffic, i), b = box_of(traffic, j);
    Contact contact = boxes_meet(&a, &b);
    if (contact.is_soon) {
        push_vehicle(state, i, contact.push[0] / 2, contact.push[1] / 2);
        push_vehicle(state, j, -contact.push[0] / 2, -contact.push[1] / 2);
    }
    if (contact.is_now)
        state->crashed[i] = state->crashed[j] = 1;
}

static void meet_obstacle(Traffic *traffic, int32_t i, const double *place)
{
    DrivingState *state = traffic->state;
    Box a = box_of(traffic, i);
    Box b = {place[0], place[1], OBSTACLE_SIDE / 2, OBSTACLE_SIDE / 2, {1, 0}, {0, 0}};
    Contact contact = boxes_meet(&a, &b);
    if (contact.is_soon)
        push_vehicle(state, i, contact.push[0], contact.push[1]);
    if (contact.is_now)
        state->crashed[i] = 1;
}

static double vehicle_diagonal(void) { return sqrt(VEHICLE_LENGTH * VEHICLE_LENGTH + VEHICLE_WIDTH * VEHICLE_WIDTH); }

static bool is_near(const double *a, const double *b, double reach)
{
    double dx = b[0] - a[0], dy = b[1] - a[1];
    return reach >= 0 && dx * dx + dy * dy <= reach * reach;
}

/* Those after `i` in the list and near enough, found by walking both ways through the order by x. Rising. */
static int32_t find_later(const Traffic *traffic, int32_t i, double reach, uint8_t found[DRIVING_MAX_VEHICLES])
{
    const DrivingState *state = traffic->state;
    const double *here = state->positions[i];
    int32_t count = 0;
    for (int32_t way = -1; way <= 1; way += 2)
        for (int32_t r = traffic->ranks[i] + way; r >= 0 && r < state->num_vehicles; r += way) {
            int32_t j = traffic->order[r];
            if (!(fabs(state->positions[j][0] - here[0]) <= reach))
                break;
            if (j < i || !is_near(here, state->positions[j], reach))
                continue;
            int32_t at = count++;
            for (; at > 0 && found[at - 1] > j; at--)
                found[at] = found[at - 1];
            found[at] = (uint8_t)j;
        }
    return count;
}

/* Traffic that does not look for collisions meets agents only. */
static int32_t find_later_agents(const Traffic *traffic, int32_t i, double reach, uint8_t found[DRIVING_MAX_VEHICLES])
{
    const DrivingState *state = traffic->state;
    int32_t count = 0;
    for (int32_t agent = 0; agent < traffic->config->num_agents; agent++) {
        int32_t j = state->agent_vehicles[agent];
        if (j > i && is_near(state->positions[i], state->positions[j], reach))
            found[count++] = (uint8_t)j;
    }
    return count;
}

void vehicles_collide(Traffic *traffic)
{
    const DrivingState *state = traffic->state;
    int32_t last_agent = -1;
    for (int32_t agent = 0; agent < traffic->config->num_agents; agent++)
        last_agent = state->agent_vehicles[agent] > last_agent ? state->agent_vehicles[agent] : last_agent;
    double diagonal = vehicle_diagonal(), mixed = (diagonal + sqrt(2.0) * OBSTACLE_SIDE) / 2;
    bool does_traffic_check = traffic->config->traffic_checks_collisions;
    for (int32_t i = 0; i < state->num_vehicles; i++) {
        uint8_t found[DRIVING_MAX_VEHICLES];
        int32_t count = 0;
        double travel = state->speeds[i] * traffic->dt;
        if (does_traffic_check || is_agent(state, i))
            count = find_later(traffic, i, diagonal + travel, found);
        else if (i < last_agent)
            count = find_later_agents(traffic, i, diagonal + travel, found);
        for (int32_t k = 0; k < count; k++)
            meet_vehicle(traffic, i, found[k]);
        for (int32_t k = 0; k < traffic->road->num_obstacles; k++)
            if (is_near(state->positions[i], traffic->road->obstacles[k], mixed + travel))
                meet_obstacle(traffic, i, traffic->road->obstacles[k]);
    }
}
