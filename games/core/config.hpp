// A world's config struct, made from a dict.
#ifndef AGORA_CONFIG_HPP
#define AGORA_CONFIG_HPP

#include "conversion.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

// The struct with the memory of its spans, by their offset in the struct.
struct ConfigBytes {
    std::vector<unsigned char> bytes;
    std::map<size_t, std::vector<unsigned char>> spans;
};

class Config {
  public:
    Config(const AgoraWorld &world, nb::dict values) : world_(world)
    {
        current_.bytes.resize(world.config_size, 0);
        for (const AgoraField *field = world.config_fields; field->name; field++) {
            if (!values.contains(field->name))
                throw nb::key_error(("config of " + std::string(world.name) + " lacks " + field->name).c_str());
            store(*field, values[field->name], current_);
        }
        for (auto item : values)
            find(nb::cast<std::string>(item.first));
    }

    // A copy of the struct in which the live fields have other values; unchanged spans stay with the original.
    ConfigBytes with(nb::dict changes) const
    {
        ConfigBytes changed{current_.bytes, {}};
        for (auto item : changes) {
            const AgoraField &field = find(nb::cast<std::string>(item.first));
            if (!field.is_live)
                throw nb::value_error(
                    ("config field " + std::string(field.name) + " cannot change while the batch lives").c_str());
            store(field, item.second, changed);
        }
        return changed;
    }

    // The struct stays where it is: the batch has borrowed it.
    void replace(ConfigBytes changed)
    {
        std::memcpy(current_.bytes.data(), changed.bytes.data(), changed.bytes.size());
        for (auto &[offset, span] : changed.spans)
            current_.spans[offset] = std::move(span);
    }

    const void *data() const { return current_.bytes.data(); }

  private:
    const AgoraField &find(const std::string &name) const
    {
        for (const AgoraField *field = world_.config_fields; field->name; field++)
            if (name == field->name)
                return *field;
        throw nb::key_error(("config of " + std::string(world_.name) + " has no field " + name).c_str());
    }

    static void store(const AgoraField &field, nb::handle value, ConfigBytes &config)
    {
        unsigned char *bytes = config.bytes.data();
        if (field.is_span) {
            ReadOnlyArray probe;
            int64_t count = nb::try_cast<ReadOnlyArray>(value, probe, false) ? (int64_t)probe.size() : 0;
            auto array = check_array<ReadOnlyArray>(value, field.name, field.dtype, {count});
            auto *data = (const unsigned char *)array.data();
            std::vector<unsigned char> &copy = config.spans[field.offset];
            copy.assign(data, data + array.nbytes());
            AgoraSpan span{copy.data(), count};
            std::memcpy(bytes + field.offset, &span, sizeof span);
        } else if (field.rank > 0) {
            auto array = check_array<ReadOnlyArray>(value, field.name, field.dtype, field_shape(field));
            std::memcpy(bytes + field.offset, array.data(), array.nbytes());
        } else {
            store_scalar(value, field.name, field.dtype, bytes + field.offset);
        }
    }

    const AgoraWorld &world_;
    ConfigBytes current_;
};

#endif
