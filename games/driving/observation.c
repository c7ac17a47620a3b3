#include "observation.h"

#include "vehicle.h"

#include <string.h>

#define SIGHT 200.0         /* m */
#define SIGHT_BEHIND 10.0   /* m, where an observation does not look behind */
#define ROAD_SIGHT 100.0    /* m along lanes, either way, of the grid's road layer */
#define NUMBERS DRIVING_NUM_FEATURES

static const int32_t *features_of(const DrivingConfig *config) { return config->features.data; }

int32_t observation_shape(const DrivingConfig *config, int32_t shape[AGORA_MAX_RANK])
{
    int32_t features = (int32_t)config->features.count;
    if (config->observation == DRIVING_KINEMATICS) {
        shape[0] = config->num_rows;
        shape[1] = features;
        return 2;
    }
    shape[0] = features;
    for (int32_t k = 0; k < 2; k++)
        shape[1 + k] = (int32_t)floor((config->grid_size[k][1] - config->grid_size[k][0]) / config->grid_step[k]);
    return 3;
}

static bool has_range(const DrivingConfig *config, int32_t feature)
{
    return config->feature_ranges[feature][0] != config->feature_ranges[feature][1] ||
           (feature == DRIVING_Y && config->has_lane_range);
}

bool observation_is_bounded(const DrivingConfig *config)
{
    if (config->observation == DRIVING_GRID)
        return config->is_clipped;
    for (int64_t f = 0; f < config->features.count; f++) {
        int32_t feature = features_of(config)[f];
        bool is_small = feature == DRIVING_PRESENCE || (feature >= DRIVING_COS_H && feature <= DRIVING_SIN_D);
        if (!(is_small && !has_range(config, feature)) && !(has_range(config, feature) && config->is_clipped))
            return false;
    }
    return true;
}

/* ---- features ---- */

static void write_destination(const Road *road, const DrivingState *state, int32_t i, double numbers[NUMBERS])
{
    int32_t length = state->route_lengths[i];
    if (length <= 0)
        return;
    int16_t last = state->routes[i][length - 1];
    const double *end = road->lanes[last >= 0 ? last : road->road_first[~last]].end;
    double dx = end[0] - state->positions[i][0], dy = end[1] - state->positions[i][1];
    double distance = sqrt(dx * dx + dy * dy);
    if (distance > 0) {
        numbers[DRIVING_COS_D] = dx / distance;
        numbers[DRIVING_SIN_D] = dy / distance;
    }
}

/* All features of a vehicle, absolute and as they are. */
static void describe(const Road *road, const DrivingState *state, int32_t i, bool has_intentions, bool has_offsets,
                     double numbers[NUMBERS])
{
    Direction way = direction_of(state->headings[i]);
    memset(numbers, 0, NUMBERS * sizeof *numbers);
    numbers[DRIVING_PRESENCE] = 1;
    numbers[DRIVING_X] = state->positions[i][0];
    numbers[DRIVING_Y] = state->positions[i][1];
    numbers[DRIVING_VX] = state->speeds[i] * way.cosine;
    numbers[DRIVING_VY] = state->speeds[i] * way.sine;
    numbers[DRIVING_HEADING] = state->headings[i];
    numbers[DRIVING_COS_H] = way.cosine;
    numbers[DRIVING_SIN_H] = way.sine;
    if (has_intentions)
        write_destination(road, state, i, numbers);
    if (!has_offsets)
        return;
    const Lane *lane = &road->lanes[state->lanes[i]];
    Place place = lane_locate(lane, state->positions[i][0], state->positions[i][1]);
    numbers[DRIVING_LONG_OFF] = place.along;
    numbers[DRIVING_LAT_OFF] = place.across;
    numbers[DRIVING_ANG_OFF] = wrap_angle(state->headings[i] - lane_heading(lane, place.along));
}

static void describe_obstacle(const double place[2], double numbers[NUMBERS])
{
    memset(numbers, 0, NUMBERS * sizeof *numbers);
    numbers[DRIVING_PRESENCE] = numbers[DRIVING_COS_H] = 1;
    numbers[DRIVING_X] = place[0];
    numbers[DRIVING_Y] = place[1];
}

static double scale(double number, double low, double high) { return -1 + (number - low) * 2 / (high - low); }

/* ---- rows ---- */

typedef struct Seen {
    double distance; /* along the observer's lane, m */
    int32_t who;     /* an obstacle k is DRIVING_MAX_VEHICLES + k */
} Seen;

/* Keeps the nearest `most`, of equals the earlier. */
static void keep_nearest(Seen *seen, int32_t *count, int32_t most, Seen candidate)
{
    if (*count == most && !(candidate.distance < seen[most - 1].distance))
        return;
    int32_t at = *count < most ? (*count)++ : most - 1;
    for (; at > 0 && seen[at - 1].distance > candidate.distance; at--)
        seen[at] = seen[at - 1];
    seen[at] = candidate;
}

static int32_t look_around(const DrivingConfig *config, const Road *road, const DrivingState *state, int32_t observer,
                           Seen seen[DRIVING_MAX_ROWS])
{
    const Lane *lane = &road->lanes[state->lanes[observer]];
    double x = state->positions[observer][0], y = state->positions[observer][1];
    double along = lane_locate(lane, x, y).along;
    int32_t count = 0, most = config->num_rows - 1;
    if (most == 0)
        return 0;
    int32_t obstacles = config->sees_obstacles ? road->num_obstacles : 0;
    for (int32_t k = 0; k < state->num_vehicles + obstacles; k++) {
        bool is_car = k < state->num_vehicles;
        const double *position = is_car ? state->positions[k] : road->obstacles[k - state->num_vehicles];
        double dx = position[0] - x, dy = position[1] - y;
        if (k == observer || !(dx * dx + dy * dy < SIGHT * SIGHT))
            continue;
        double ahead = lane_locate(lane, position[0], position[1]).along - along;
        bool looks_behind = config->sees_behind && is_car;
        if (looks_behind || ahead > -SIGHT_BEHIND)
            keep_nearest(seen, &count, most,
                         (Seen){fabs(ahead), is_car ? k : DRIVING_MAX_VEHICLES + k - state->num_vehicles});
    }
    return count;
}

static void write_row(const DrivingConfig *config, const double numbers[NUMBERS], double half_width, float *row)
{
    for (int64_t f = 0; f < config->features.count; f++) {
        int32_t feature = features_of(config)[f];
        double number = numbers[feature], low = config->feature_ranges[feature][0];
        double high = config->feature_ranges[feature][1];
        if (feature == DRIVING_Y && config->has_lane_range) {
            low = -half_width;
            high = half_width;
        }
        if (low != high) {
            number = scale(number, low, high);
            number = config->is_clipped ? clip(number, -1, 1) : number;
        }
        row[f] = (float)number;
    }
}

static void write_rows(const DrivingConfig *config, const Road *road, const DrivingState *state, int32_t agent,
                       float *rows)
{
    int32_t observer = state->agent_vehicles[agent], features = (int32_t)config->features.count;
    bool has_offsets = false;
    for (int32_t f = 0; f < features; f++)
        has_offsets |= features_of(config)[f] >= DRIVING_LONG_OFF;
    double mine[NUMBERS], theirs[NUMBERS], half_width = 4.0 * state->view_lanes[agent];
    Seen seen[DRIVING_MAX_ROWS];
    int32_t count = look_around(config, road, state, observer, seen);
    describe(road, state, observer, true, has_offsets, mine);
    write_row(config, mine, half_width, rows);
    for (int32_t k = 0; k < count; k++) {
        if (is_vehicle(seen[k].who))
            describe(road, state, seen[k].who, config->sees_intentions, has_offsets, theirs);
        else
            describe_obstacle(road->obstacles[seen[k].who - DRIVING_MAX_VEHICLES], theirs);
        for (int32_t f = DRIVING_X; f <= DRIVING_VY && !config->is_absolute; f++)
            theirs[f] -= mine[f];
        write_row(config, theirs, half_width, rows + (k + 1) * features);
    }
    memset(rows + (count + 1) * features, 0, (size_t)(config->num_rows - count - 1) * (size_t)features * sizeof *rows);
}

/* ---- grid ---- */

typedef struct Grid {
    const DrivingConfig *config;
    int32_t width, height; /* cells along x and y */
    double x, y;           /* of the observer */
    Direction way;         /* of the grid's first axis */
} Grid;

/* The number of the cell at an offset from the observer; -1: outside the grid. */
static int32_t cell_at(const Grid *grid, double dx, double dy)
{
    const DrivingConfig *config = grid->config;
    double x = grid->way.cosine * dx + grid->way.sine * dy, y = grid->way.cosine * dy - grid->way.sine * dx;
    double column = floor((x - config->grid_size[0][0]) / config->grid_step[0]);
    double row = floor((y - config->grid_size[1][0]) / config->grid_step[1]);
    bool is_inside = column >= 0 && column < grid->width && row >= 0 && row < grid->height;
    return is_inside ? (int32_t)column * grid->height + (int32_t)row : -1;
}

/* Marks the cells under points on the lane's middle, a grid step apart. */
static void pave_lane(const Grid *grid, const Lane *lane, float *layer)
{
    double step = smaller_of(grid->config->grid_step[0], grid->config->grid_step[1]);
    double middle = lane_locate(lane, grid->x, grid->y).along, start = middle - ROAD_SIGHT;
    double spacing = start + step - start, count = ceil((middle + ROAD_SIGHT - start) / step);
    for (int32_t k = 0; k < count; k++) {
        double position[2];
        lane_position(lane, (Place){clip(start + k * spacing, 0, lane->length), 0}, position);
        int32_t cell = cell_at(grid, position[0] - grid->x, position[1] - grid->y);
        if (cell >= 0)
            layer[cell] = 1;
    }
}

static void write_grid(const DrivingConfig *config, const Road *road, const DrivingState *state, int32_t agent,
                       float *cells)
{
    int32_t shape[AGORA_MAX_RANK] = {0}, observer = state->agent_vehicles[agent];
    observation_shape(config, shape);
    Grid grid = {config, shape[1], shape[2], state->positions[observer][0], state->positions[observer][1], {1, 0}};
    if (config->is_grid_aligned)
        grid.way = direction_of(state->headings[observer]);
    int32_t num_cells = shape[1] * shape[2];
    memset(cells, 0, (size_t)shape[0] * (size_t)num_cells * sizeof *cells);
    double mine[NUMBERS], theirs[NUMBERS];
    describe(road, state, observer, true, false, mine);
    for (int32_t i = state->num_vehicles - 1; i >= 0; i--) { /* the first in the list hides the others in its cell */
        int32_t cell = cell_at(&grid, state->positions[i][0] - grid.x, state->positions[i][1] - grid.y);
        if (cell < 0)
            continue;
        describe(road, state, i, true, true, theirs);
        for (int32_t f = DRIVING_X; f <= DRIVING_VY; f++)
            theirs[f] -= mine[f];
        for (int32_t f = 0; f < shape[0]; f++) {
            int32_t feature = features_of(config)[f];
            const double *range = config->feature_ranges[feature];
            double number = feature == DRIVING_ON_ROAD ? 0 : theirs[feature];
            number = has_range(config, feature) ? scale(number, range[0], range[1]) : number;
            cells[f * num_cells + cell] = (float)(config->is_clipped ? clip(number, -1, 1) : number);
        }
    }
    for (int32_t f = 0; f < shape[0]; f++)
        for (int32_t l = 0; l < road->num_lanes && features_of(config)[f] == DRIVING_ON_ROAD; l++)
            pave_lane(&grid, &road->lanes[l], cells + f * num_cells);
}

void observation_write(const DrivingConfig *config, const Road *road, const DrivingState *state, int32_t agent,
                       float *cells)
{
    if (config->observation == DRIVING_KINEMATICS)
        write_rows(config, road, state, agent, cells);
    else
        write_grid(config, road, state, agent, cells);
}
