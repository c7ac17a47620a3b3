// Between Python's objects and C's memory: arrays, numbers and their names. Nothing is converted silently: an array of
// another dtype or layout is an error.
#ifndef AGORA_CONVERSION_HPP
#define AGORA_CONVERSION_HPP

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

extern "C" {
#include "game.h"
}

namespace nb = nanobind;
using Array = nb::ndarray<nb::c_contig, nb::device::cpu>;
using ReadOnlyArray = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;
using Shape = std::vector<int64_t>;

struct DtypeEntry {
    const char *name;
    nb::dlpack::dtype dlpack;
};

// In the order of AgoraDtype.
inline const DtypeEntry DTYPES[] = {
    {"uint8", nb::dtype<uint8_t>()}, {"int16", nb::dtype<int16_t>()}, {"uint16", nb::dtype<uint16_t>()},
    {"int32", nb::dtype<int32_t>()}, {"int64", nb::dtype<int64_t>()}, {"float32", nb::dtype<float>()},
    {"float64", nb::dtype<double>()},
};

inline std::string describe(const Shape &shape)
{
    std::string text = "[";
    for (size_t i = 0; i < shape.size(); i++)
        text += (i ? ", " : "") + std::to_string(shape[i]);
    return text + "]";
}

template <typename T> Shape shape_of(const T &array)
{
    Shape shape;
    for (size_t i = 0; i < array.ndim(); i++)
        shape.push_back((int64_t)array.shape(i));
    return shape;
}

// The one check of every array that crosses the boundary.
template <typename T> T check_array(nb::handle object, const std::string &name, AgoraDtype dtype, const Shape &shape)
{
    T array;
    if (!nb::try_cast<T>(object, array, false))
        throw nb::type_error((name + " must be a C-contiguous" +
                              (std::is_same_v<T, Array> ? " writable" : "") + " NumPy array of dtype " +
                              DTYPES[dtype].name + ", got " + nb::cast<std::string>(nb::str(object.type())))
                                 .c_str());
    if (array.dtype() != DTYPES[dtype].dlpack)
        throw nb::type_error(
            (name + " must have dtype " + DTYPES[dtype].name + ", got " +
             nb::cast<std::string>(nb::str(nb::getattr(object, "dtype", nb::str("another")))))
                .c_str());
    if (shape_of(array) != shape)
        throw nb::value_error(
            (name + " must have shape " + describe(shape) + ", got " + describe(shape_of(array))).c_str());
    return array;
}

inline Shape field_shape(const AgoraField &field) { return Shape(field.shape, field.shape + field.rank); }

inline size_t field_size(const AgoraField &field)
{
    size_t size = agora_dtype_size(field.dtype);
    for (int32_t i = 0; i < field.rank; i++)
        size *= (size_t)field.shape[i];
    return size;
}

// NumPy's whole numbers as Python's; everything else, bool included, as it is.
inline nb::object plain_index(nb::handle value)
{
    if (PyBool_Check(value.ptr()) || !PyIndex_Check(value.ptr()))
        return nb::borrow(value);
    nb::object index = nb::steal(PyNumber_Index(value.ptr()));
    if (index.is_valid())
        return index;
    PyErr_Clear(); // an array, for one
    return nb::borrow(value);
}

template <typename T> void store_number(nb::handle value, const std::string &name, AgoraDtype dtype, void *out)
{
    T number;
    // An int may stand for a float, never the reverse.
    if (!nb::try_cast<T>(std::is_integral_v<T> ? plain_index(value) : nb::borrow(value), number, !std::is_integral_v<T>))
        throw nb::type_error((name + " must be a number that fits " + DTYPES[dtype].name + ", got " +
                              nb::cast<std::string>(nb::repr(value)))
                                 .c_str());
    std::memcpy(out, &number, sizeof number);
}

inline void store_scalar(nb::handle value, const std::string &name, AgoraDtype dtype, void *out)
{
    switch (dtype) {
    case AGORA_U8: return store_number<uint8_t>(value, name, dtype, out);
    case AGORA_I16: return store_number<int16_t>(value, name, dtype, out);
    case AGORA_U16: return store_number<uint16_t>(value, name, dtype, out);
    case AGORA_I32: return store_number<int32_t>(value, name, dtype, out);
    case AGORA_I64: return store_number<int64_t>(value, name, dtype, out);
    case AGORA_F32: return store_number<float>(value, name, dtype, out);
    case AGORA_F64: return store_number<double>(value, name, dtype, out);
    }
}

template <typename T> nb::object load_number(const void *bytes)
{
    T number;
    std::memcpy(&number, bytes, sizeof number);
    return nb::cast(number);
}

inline nb::object load_scalar(AgoraDtype dtype, const void *bytes)
{
    switch (dtype) {
    case AGORA_U8: return load_number<uint8_t>(bytes);
    case AGORA_I16: return load_number<int16_t>(bytes);
    case AGORA_U16: return load_number<uint16_t>(bytes);
    case AGORA_I32: return load_number<int32_t>(bytes);
    case AGORA_I64: return load_number<int64_t>(bytes);
    case AGORA_F32: return load_number<float>(bytes);
    case AGORA_F64: return load_number<double>(bytes);
    }
    return nb::none();
}

inline nb::object copy_array(const AgoraField &field, const void *bytes)
{
    size_t size = field_size(field), shape[AGORA_MAX_RANK];
    auto *copy = new unsigned char[size ? size : 1];
    std::memcpy(copy, bytes, size);
    nb::capsule owner(copy, [](void *p) noexcept { delete[] static_cast<unsigned char *>(p); });
    for (int32_t i = 0; i < field.rank; i++)
        shape[i] = (size_t)field.shape[i];
    return nb::cast(nb::ndarray<nb::numpy>(copy, (size_t)field.rank, shape, owner, nullptr, DTYPES[field.dtype].dlpack));
}

inline nb::dict describe_field(const AgoraField &field)
{
    nb::dict out;
    out["dtype"] = DTYPES[field.dtype].name;
    out["shape"] = field.is_span ? nb::object(nb::none()) : nb::object(nb::tuple(nb::cast(field_shape(field))));
    out["live"] = field.is_live;
    return out;
}

#endif
