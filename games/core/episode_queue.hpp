// Rows of ended episodes that wait until somebody reads them; the oldest go when too many wait.
#ifndef AGORA_EPISODE_QUEUE_HPP
#define AGORA_EPISODE_QUEUE_HPP

#include <nanobind/ndarray.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

template <typename T> class EpisodeQueue {
  public:
    // `width`: numbers of a row, 0 or more.
    EpisodeQueue(size_t width, size_t max_rows) : width_(width), max_rows_(max_rows) {}

    // Appends rows[indices[0]], ..., rows[indices[count - 1]].
    void push(const T *rows, const int32_t *indices, size_t count)
    {
        size_t old = values_.size();
        values_.resize(old + count * width_);
        T *out = values_.data() + old;
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < width_; k++)
                *out++ = rows[(size_t)indices[i] * width_ + k];
        num_rows_ += count;
        if (num_rows_ >= 2 * max_rows_) // the oldest are moved out many at a time, so that a push costs its own rows
            keep_latest();
    }

    // Returns the waiting rows, oldest first, [n] or [n, width], and forgets them.
    nanobind::ndarray<nanobind::numpy, T> read(bool is_flat)
    {
        keep_latest();
        auto *owned = new std::vector<T>(std::move(values_));
        nanobind::capsule owner(owned, [](void *data) noexcept { delete (std::vector<T> *)data; });
        size_t shape[2] = {num_rows_, width_};
        values_ = {};
        num_rows_ = 0;
        return {owned->data(), is_flat ? size_t{1} : size_t{2}, shape, owner};
    }

  private:
    void keep_latest()
    {
        if (num_rows_ <= max_rows_)
            return;
        values_.erase(values_.begin(), values_.begin() + (std::ptrdiff_t)((num_rows_ - max_rows_) * width_));
        num_rows_ = max_rows_;
    }

    size_t width_, max_rows_, num_rows_ = 0;
    std::vector<T> values_;
};

#endif
