// The one extension, games._core: AgoraBatch as a Python class. Types, shapes and names are checked here; rules live in
// the worlds, loops in batch.c.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <atomic>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

extern "C" {
#include "batch.h"
#include "rows.h"
}
#include "config.hpp"
#include "conversion.hpp"
#include "episode_queue.hpp"

namespace nb = nanobind;

namespace {

const AgoraWorld &find_world(const std::string &name)
{
    for (int32_t i = 0; i < agora_num_worlds; i++)
        if (name == agora_worlds[i]->name)
            return *agora_worlds[i];
    throw nb::key_error(("no world named " + name + " is compiled into games._core").c_str());
}

nb::dict config_fields(const std::string &world)
{
    nb::dict out;
    for (const AgoraField *field = find_world(world).config_fields; field->name; field++)
        out[field->name] = describe_field(*field);
    return out;
}

std::vector<std::string> world_names()
{
    std::vector<std::string> names;
    for (int32_t i = 0; i < agora_num_worlds; i++)
        names.emplace_back(agora_worlds[i]->name);
    return names;
}

template <typename Scalar, int dimensions>
using Plain = nb::ndarray<Scalar, nb::ndim<dimensions>, nb::c_contig, nb::device::cpu>;

AgoraRows known_rows(const Plain<const uint8_t, 2> &rows, const Plain<int32_t, 1> &slots)
{
    auto num_slots = static_cast<int64_t>(slots.size());
    auto num_rows = static_cast<int64_t>(rows.shape(0));
    if (num_slots < 2 * num_rows || num_slots < 1 || (num_slots & (num_slots - 1)))
        throw nb::value_error("slots must be a power of two, at least twice the number of rows");
    return {rows.data(), num_rows, static_cast<int64_t>(rows.shape(1)), slots.data(), num_slots};
}

void index_rows(Plain<const uint8_t, 2> rows, Plain<int32_t, 1> slots)
{
    AgoraRows known = known_rows(rows, slots);
    agora_index_rows(&known);
}

// seen: [E, P, bytes]; masks: [E, P, K], or anything empty where all actions are legal; choices: [S], or empty for none.
int64_t find_rows(Plain<const uint8_t, 2> rows, Plain<int32_t, 1> slots, Plain<const uint8_t, 3> seen,
                  Plain<const uint8_t, 3> masks, int64_t agent, Plain<const int64_t, 1> envs,
                  Plain<const int32_t, 1> choices, Plain<int32_t, 1> found)
{
    AgoraRows known = known_rows(rows, slots);
    auto num_envs = static_cast<int64_t>(seen.shape(0)), num_agents = static_cast<int64_t>(seen.shape(1));
    if (static_cast<int64_t>(seen.shape(2)) != known.size)
        throw nb::value_error("what is seen must have as many bytes as a row");
    if (agent < 0 || agent >= num_agents || found.size() != envs.size())
        throw nb::value_error("no such agent, or not a place for each env's answer");
    if (choices.size() && choices.size() != rows.shape(0))
        throw nb::value_error("choices must be one for each row, or none");
    bool has_masks = masks.size() > 0;
    if (has_masks && (masks.shape(0) != seen.shape(0) || masks.shape(1) != seen.shape(1)))
        throw nb::value_error("masks must be of the same envs and agents as what is seen");
    for (size_t i = 0; i < envs.size(); i++)
        if (envs.data()[i] < 0 || envs.data()[i] >= num_envs)
            throw nb::index_error("no such env");
    auto num_actions = static_cast<int64_t>(masks.shape(2));
    AgoraSeen asked = {seen.data() + agent * known.size,
                       num_agents * known.size,
                       has_masks ? masks.data() + agent * num_actions : nullptr,
                       num_agents * num_actions,
                       static_cast<int32_t>(num_actions),
                       envs.data(),
                       static_cast<int64_t>(envs.size())};
    return agora_find_rows(&known, &asked, choices.size() ? choices.data() : nullptr, found.data());
}

class Batch {
  public:
    Batch(const std::string &world, nb::dict config, int32_t num_envs, int32_t num_threads, const std::string &autoreset,
          size_t max_pending)
        : world_(find_world(world)), config_(world_, config), num_envs_(num_envs), autoreset_(parse(autoreset))
    {
        AgoraError error;
        batch_.reset(agora_batch_create(&world_, config_.data(), num_envs, num_threads, autoreset_, &error));
        if (!batch_)
            throw nb::value_error(error.text);
        groups_ = agora_batch_groups(batch_.get(), &num_groups_);
        lengths_ = {1, max_pending};
        returns_ = {(size_t)agora_batch_num_agents(batch_.get()), max_pending};
        statistics_ = {(size_t)world_.num_statistics, max_pending};
        ended_.resize((size_t)num_envs);
    }

    nb::list groups() const
    {
        nb::list out;
        for (int32_t g = 0; g < num_groups_; g++)
            out.append(describe_group(groups_[g]));
        return out;
    }

    std::vector<std::string> statistic_names() const
    {
        return {world_.statistic_names, world_.statistic_names + world_.num_statistics};
    }

    void attach(nb::list arrays, nb::dict log)
    {
        if ((int32_t)nb::len(arrays) != num_groups_)
            throw nb::value_error("attach needs one dict of arrays per group");
        if (is_attached_)
            throw nb::value_error("the arrays are attached already");
        std::vector<AgoraArrays> tables;
        for (int32_t g = 0; g < num_groups_; g++)
            tables.push_back(take_arrays(groups_[g], nb::cast<nb::dict>(arrays[g])));
        int64_t agents = agora_batch_num_agents(batch_.get());
        AgoraEpisodeLog table{
            (uint8_t *)take(log, "ended", AGORA_U8, {num_envs_}),
            (int32_t *)take(log, "lengths", AGORA_I32, {num_envs_}),
            (double *)take(log, "returns", AGORA_F64, {num_envs_, agents}),
            (double *)take(log, "statistics", AGORA_F64, {num_envs_, world_.num_statistics}),
        };
        agora_batch_attach(batch_.get(), tables.data(), &table);
        log_ = table;
        is_attached_ = true;
    }

    void seed(uint64_t seed, uint64_t first_env)
    {
        Busy busy(*this);
        agora_batch_seed(batch_.get(), seed, first_env);
    }

    void reset(nb::object mask)
    {
        Busy busy(*this);
        const uint8_t *mask_data = nullptr;
        ReadOnlyArray mask_array;
        if (!mask.is_none()) {
            mask_array = check_array<ReadOnlyArray>(mask, "mask", AGORA_U8, {num_envs_});
            mask_data = (const uint8_t *)mask_array.data();
        }
        nb::gil_scoped_release release;
        agora_batch_reset(batch_.get(), mask_data);
    }

    int32_t step()
    {
        Busy busy(*this);
        AgoraError error;
        int32_t ended;
        {
            nb::gil_scoped_release release;
            ended = agora_batch_step(batch_.get(), &error);
        }
        if (ended < 0)
            throw nb::value_error(error.text);
        if (ended > 0)
            queue_ended();
        return ended;
    }

    nb::object read_lengths()
    {
        Busy busy(*this);
        return nb::cast(lengths_.read(true));
    }

    nb::object read_returns()
    {
        Busy busy(*this);
        return nb::cast(returns_.read(false));
    }

    nb::object read_statistics()
    {
        Busy busy(*this);
        return nb::cast(statistics_.read(false));
    }

    void check_actions(int32_t group, nb::object actions) const
    {
        if (group < 0 || group >= num_groups_)
            throw nb::index_error("no such group");
        AgoraError error;
        auto array = check_array<ReadOnlyArray>(actions, "actions", action_dtype(groups_[group]),
                                                action_shape(groups_[group]));
        if (!agora_batch_check_actions(batch_.get(), group, array.data(), &error))
            throw nb::value_error(error.text);
    }

    nb::bytes state_bytes(int32_t env)
    {
        Busy busy(*this);
        check_env(env);
        std::vector<unsigned char> bytes(agora_batch_snapshot_size(batch_.get()));
        agora_batch_snapshot(batch_.get(), env, bytes.data());
        return nb::bytes(bytes.data(), bytes.size());
    }

    void load_state(int32_t env, nb::bytes bytes)
    {
        Busy busy(*this);
        check_env(env);
        AgoraError error;
        if (!agora_batch_restore(batch_.get(), env, bytes.c_str(), bytes.size(), &error))
            throw nb::value_error(error.text);
    }

    nb::dict fields(int32_t env)
    {
        Busy busy(*this);
        check_env(env);
        nb::dict out;
        auto *state = (const unsigned char *)agora_batch_state(batch_.get(), env);
        for (const AgoraField &field : state_fields())
            out[field.name] =
                field.rank ? copy_array(field, state + field.offset) : load_scalar(field.dtype, state + field.offset);
        return out;
    }

    void load_fields(int32_t env, nb::dict values)
    {
        Busy busy(*this);
        check_env(env);
        std::vector<std::max_align_t> state(world_.state_size / sizeof(std::max_align_t) + 1);
        auto *bytes = (unsigned char *)state.data();
        std::memcpy(bytes, agora_batch_state(batch_.get(), env), world_.state_size);
        for (auto item : values) {
            auto name = nb::cast<std::string>(item.first);
            const AgoraField field = find_field(name);
            if (field.rank) {
                auto array = check_array<ReadOnlyArray>(item.second, name, field.dtype, field_shape(field));
                std::memcpy(bytes + field.offset, array.data(), array.nbytes());
            } else {
                store_scalar(item.second, name, field.dtype, bytes + field.offset);
            }
        }
        AgoraError error;
        if (!agora_batch_set_state(batch_.get(), env, bytes, &error))
            throw nb::value_error(error.text);
    }

    nb::dict describe_state() const
    {
        nb::dict out;
        for (const AgoraField &field : state_fields())
            out[field.name] = describe_field(field);
        return out;
    }

    void configure(nb::dict changes)
    {
        Busy busy(*this);
        ConfigBytes changed = config_.with(changes);
        AgoraError error;
        if (!world_.check_config(changed.bytes.data(), &error))
            throw nb::value_error(error.text);
        config_.replace(std::move(changed));
    }

  private:
    // One call at a time: with the GIL released in `step`, another thread could otherwise enter.
    struct Busy {
        explicit Busy(Batch &batch) : flag(batch.is_busy_)
        {
            if (!batch.is_attached_)
                throw nb::value_error("attach the arrays first");
            if (flag.exchange(true))
                throw std::runtime_error("this batch is in use by another thread");
        }
        ~Busy() { flag = false; }
        std::atomic<bool> &flag;
    };

    struct Destroy {
        void operator()(AgoraBatch *batch) const { agora_batch_destroy(batch); }
    };

    void queue_ended()
    {
        size_t count = 0;
        for (int32_t e = 0; e < num_envs_; e++) { // without a branch: in short episodes nobody can foresee it
            ended_[count] = e;
            count += log_.ended[e];
        }
        lengths_.push(log_.lengths, ended_.data(), count);
        returns_.push(log_.returns, ended_.data(), count);
        statistics_.push(log_.statistics, ended_.data(), count);
    }

    static AgoraAutoreset parse(const std::string &name)
    {
        if (name == "same_step")
            return AGORA_SAME_STEP;
        if (name == "next_step")
            return AGORA_NEXT_STEP;
        if (name == "disabled")
            return AGORA_DISABLED;
        throw nb::value_error(
            ("autoreset must be \"same_step\", \"next_step\" or \"disabled\", got \"" + name + "\"").c_str());
    }

    static AgoraDtype action_dtype(const AgoraGroup &group)
    {
        return group.action_kind == AGORA_CONTINUOUS ? AGORA_F32 : AGORA_I32;
    }

    Shape action_shape(const AgoraGroup &group) const
    {
        Shape shape{num_envs_, group.num_agents};
        if (group.action_kind != AGORA_DISCRETE)
            shape.push_back(group.action_parts);
        return shape;
    }

    Shape observation_shape(const AgoraGroup &group) const
    {
        Shape shape{num_envs_, group.num_agents};
        shape.insert(shape.end(), group.observation_shape, group.observation_shape + group.observation_rank);
        return shape;
    }

    static int64_t mask_width(const AgoraGroup &group)
    {
        int64_t width = 0;
        for (int32_t i = 0; i < group.action_parts; i++)
            width += group.choices[i];
        return width;
    }

    static nb::dict describe_group(const AgoraGroup &group)
    {
        static const char *const KINDS[] = {"discrete", "multi_discrete", "continuous"};
        std::vector<std::string> infos(group.info_names, group.info_names + group.num_infos);
        nb::dict out;
        out["name"] = group.name;
        out["agent_name"] = group.agent_name;
        out["first_agent"] = group.first_agent;
        out["num_agents"] = group.num_agents;
        out["observation_dtype"] = DTYPES[group.observation_dtype].name;
        out["observation_shape"] =
            std::vector<int32_t>(group.observation_shape, group.observation_shape + group.observation_rank);
        out["observation_low"] = group.observation_low;
        out["observation_high"] = group.observation_high;
        out["action_kind"] = KINDS[group.action_kind];
        out["action_parts"] = group.action_parts;
        out["choices"] = std::vector<int32_t>(group.choices, group.choices + group.action_parts);
        out["action_low"] = std::vector<float>(group.action_low, group.action_low + group.action_parts);
        out["action_high"] = std::vector<float>(group.action_high, group.action_high + group.action_parts);
        out["has_action_mask"] = group.has_action_mask;
        out["infos"] = infos;
        return out;
    }

    void *take(nb::dict arrays, const std::string &name, AgoraDtype dtype, const Shape &shape)
    {
        if (!arrays.contains(name.c_str()))
            throw nb::key_error(("attach needs an array named " + name).c_str());
        Array array = check_array<Array>(arrays[name.c_str()], name, dtype, shape);
        keep_.push_back(array);
        return array.data();
    }

    AgoraArrays take_arrays(const AgoraGroup &group, nb::dict arrays)
    {
        Shape agents{num_envs_, group.num_agents}, masks{num_envs_, group.num_agents, mask_width(group)};
        AgoraArrays out{};
        out.observations = take(arrays, "observations", group.observation_dtype, observation_shape(group));
        if (autoreset_ == AGORA_SAME_STEP)
            out.final_observations =
                take(arrays, "final_observations", group.observation_dtype, observation_shape(group));
        out.actions = take(arrays, "actions", action_dtype(group), action_shape(group));
        if (group.has_action_mask)
            out.action_masks = (uint8_t *)take(arrays, "action_masks", AGORA_U8, masks);
        if (group.has_action_mask && autoreset_ == AGORA_SAME_STEP)
            out.final_action_masks = (uint8_t *)take(arrays, "final_action_masks", AGORA_U8, masks);
        out.rewards = (float *)take(arrays, "rewards", AGORA_F32, agents);
        out.terminations = (uint8_t *)take(arrays, "terminations", AGORA_U8, agents);
        out.truncations = (uint8_t *)take(arrays, "truncations", AGORA_U8, agents);
        out.alive = (uint8_t *)take(arrays, "alive", AGORA_U8, agents);
        for (int32_t i = 0; i < group.num_infos; i++)
            out.infos[i] = (float *)take(arrays, group.info_names[i], AGORA_F32, agents);
        return out;
    }

    std::vector<AgoraField> state_fields() const
    {
        std::vector<AgoraField> fields(AGORA_MAX_FIELDS);
        fields.resize((size_t)world_.state_fields(agora_batch_context(batch_.get()), fields.data()));
        return fields;
    }

    AgoraField find_field(const std::string &name) const
    {
        for (const AgoraField &field : state_fields())
            if (name == field.name)
                return field;
        throw nb::key_error(("the state of " + std::string(world_.name) + " has no field " + name).c_str());
    }

    void check_env(int32_t env) const
    {
        if (env < 0 || env >= num_envs_)
            throw nb::index_error(
                ("env must be in [0, " + std::to_string(num_envs_) + "), got " + std::to_string(env)).c_str());
    }

    const AgoraWorld &world_;
    Config config_;
    int32_t num_envs_;
    AgoraAutoreset autoreset_;
    std::unique_ptr<AgoraBatch, Destroy> batch_;
    const AgoraGroup *groups_ = nullptr;
    int32_t num_groups_ = 0;
    std::vector<Array> keep_;
    AgoraEpisodeLog log_{};
    EpisodeQueue<int32_t> lengths_{1, 0};
    EpisodeQueue<double> returns_{0, 0}, statistics_{0, 0};
    std::vector<int32_t> ended_; // [E]: the envs whose episodes ended in the last step, then anything
    bool is_attached_ = false;
    std::atomic<bool> is_busy_{false};
};

} // namespace

NB_MODULE(_core, module)
{
    module.doc() = "Worlds and their batches, in C. Use games.make_batch; this module is what stands behind it.";
    module.def("world_names", &world_names);
    module.def("config_fields", &config_fields, nb::arg("world"));
    module.def("philox4x64", [](std::vector<uint64_t> counter, std::vector<uint64_t> key) {
        if (counter.size() != 4 || key.size() != 2)
            throw nb::value_error("philox4x64 takes 4 counter words and 2 key words");
        std::vector<uint64_t> out(4);
        agora_philox4x64(counter.data(), key.data(), out.data());
        return out;
    });
    module.def("index_rows", &index_rows, nb::arg("rows").noconvert(), nb::arg("slots").noconvert());
    module.def("find_rows", &find_rows, nb::arg("rows").noconvert(), nb::arg("slots").noconvert(),
               nb::arg("seen").noconvert(), nb::arg("masks").noconvert(), nb::arg("agent"), nb::arg("envs").noconvert(),
               nb::arg("choices").noconvert(), nb::arg("found").noconvert());
    nb::class_<Batch>(module, "Batch")
        .def(nb::init<const std::string &, nb::dict, int32_t, int32_t, const std::string &, size_t>(), nb::arg("world"),
             nb::arg("config"), nb::arg("num_envs"), nb::arg("num_threads"), nb::arg("autoreset"),
             nb::arg("max_pending"))
        .def("groups", &Batch::groups)
        .def("statistic_names", &Batch::statistic_names)
        .def("describe_state", &Batch::describe_state)
        .def("attach", &Batch::attach, nb::arg("arrays"), nb::arg("log"))
        .def("seed", &Batch::seed, nb::arg("seed"), nb::arg("first_env"))
        .def("reset", &Batch::reset, nb::arg("mask").none())
        .def("step", &Batch::step)
        .def("read_lengths", &Batch::read_lengths)
        .def("read_returns", &Batch::read_returns)
        .def("read_statistics", &Batch::read_statistics)
        .def("check_actions", &Batch::check_actions, nb::arg("group"), nb::arg("actions"))
        .def("state_bytes", &Batch::state_bytes, nb::arg("env"))
        .def("load_state", &Batch::load_state, nb::arg("env"), nb::arg("data"))
        .def("fields", &Batch::fields, nb::arg("env"))
        .def("load_fields", &Batch::load_fields, nb::arg("env"), nb::arg("fields"))
        .def("configure", &Batch::configure, nb::arg("changes"));
}
