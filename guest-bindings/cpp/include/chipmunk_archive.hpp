// The archives that `parse` and `read` return, as wit/PAYLOAD.md lays them out.
//
// A writer is a few growing buffers. What goes first into an archive, text or bytes, is written to where it stays; the rest
// is appended when the archive is finished. WebAssembly is little endian, as archives are: numbers are copied as they are. Memory
// is malloc's, because the host has an archive freed with free. Where there is none left, the plugin traps.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "chipmunk_utf8.h"

namespace chipmunk {

using Bytes = std::span<const std::uint8_t>;

/// Growing bytes.
class Buffer {
public:
    Buffer() = default;
    Buffer(Buffer &&other) noexcept { swap(other); }
    Buffer &operator=(Buffer &&other) noexcept { return swap(other), *this; }
    ~Buffer() { std::free(data_); }

    std::uint8_t *data() const { return data_; }
    std::size_t size() const { return size_; }
    std::uint32_t length() const { return static_cast<std::uint32_t>(size_); }
    void resize(std::size_t size) { size_ = size; }

    /// Where the next bytes go, at least so many; they count once the size is raised.
    std::uint8_t *reserve(std::size_t more) {
        if (capacity_ - size_ < more) grow(std::max(size_ + more, capacity_ * 2));
        return data_ + size_;
    }
    void reserve_exactly(std::size_t total) {
        if (capacity_ < total) grow(total);
    }
    void append(const void *bytes, std::size_t len) {
        if (len) std::memcpy(reserve(len), bytes, len);
        size_ += len;
    }
    template <std::size_t N> void append(const std::array<std::uint32_t, N> &words) {
        std::memcpy(reserve(sizeof words), words.data(), sizeof words);
        size_ += sizeof words;
    }
    void append(const Buffer &other) { append(other.data_, other.size_); }
    void pad() { append("\0\0\0", -size_ & 3); }
    /// The bytes, to be freed with free; the buffer is empty then.
    std::span<std::uint8_t> release() {
        std::span<std::uint8_t> all(data_, size_);
        data_ = nullptr, size_ = capacity_ = 0;
        return all;
    }

private:
    void swap(Buffer &other) {
        std::swap(data_, other.data_), std::swap(size_, other.size_), std::swap(capacity_, other.capacity_);
    }
    void grow(std::size_t capacity) {
        data_ = static_cast<std::uint8_t *>(std::realloc(data_, capacity_ = capacity));
        if (!data_) std::abort();
    }
    std::uint8_t *data_ = nullptr;
    std::size_t size_ = 0, capacity_ = 0;
};

/// Why bytes were skipped.
enum class Reason : std::uint8_t { unspecified, garbage, truncated, malformed, unsupported };

/// Why there are no more items in a batch.
struct Tail {
    enum State : std::uint8_t { complete, incomplete, full, end, failed } state;
    std::uint32_t needed = 0;   ///< if incomplete: bytes more that are wanted at least, or 0
    std::string_view error = {}; ///< if failed: what to tell the user

    Tail(State state) : state(state) {}
    static Tail wants(std::uint32_t needed) { return Tail(incomplete, needed, {}); }
    static Tail failure(std::string_view error) { return Tail(failed, 0, error); }

private:
    Tail(State state, std::uint32_t needed, std::string_view error) : state(state), needed(needed), error(error) {}
};

/// Where in an item the message's own bytes are.
struct Range { std::uint32_t start = 0, len = 0; };

/// A file that a trace carries.
struct Attachment {
    std::string_view name = {};
    std::uint64_t size = 0; ///< as announced in the trace
    std::optional<std::string_view> created = {}, modified = {};
    std::span<const std::uint64_t> messages = {}; ///< numbers of the messages that carried it, from 0 since init
    Bytes data = {};
};

/// The entries of a root that begins here: where each array is, relative to its entry, and how many elements it has.
template <std::size_t N> void append_entries(Buffer &out, const std::array<std::array<std::uint32_t, 2>, N> &arrays) {
    for (auto [start, count] : arrays) out.append(std::array{start - out.length(), count});
}

/// What a parser found in one call. Used again for every call.
class Batch {
public:
    explicit Batch(std::uint32_t max_archive_bytes = 0xffffffff)
        : max_(std::min<std::size_t>(max_archive_bytes, largest_archive)), largest_(max_ / 16) {}

    /// Text of the open cell: UTF-8 as it is.
    void text(std::string_view utf8) { text_.append(utf8.data(), utf8.size()); }
    /// Text of the open cell: what is not UTF-8 becomes U+FFFD.
    void text_lossy(Bytes bytes) {
        std::size_t ascii = chipmunk_ascii_copy(text_.reserve(bytes.size()), bytes.data(), bytes.size());
        text_.resize(text_.size() + ascii);
        if (ascii == bytes.size()) return;
        Bytes rest = bytes.subspan(ascii);
        std::uint8_t *to = text_.reserve(3 * rest.size());
        text_.resize(text_.size() + chipmunk_utf8_lossy(to, rest.data(), rest.size()));
    }
    /// What was written since the last cell is a cell, also if it is nothing.
    void end_cell() {
        cell_start_ = text_.size();
        cells_.append(std::array{text_.length()});
    }
    /// The next item is a message, to which the cells since the last item belong.
    void message(std::uint32_t consumed, Range own, bool damaged = false) {
        close_cell();
        item(consumed, own, damaged ? 0x100 : 0);
    }
    /// The next bytes are a message that the configuration leaves out.
    void filtered(std::uint32_t consumed) { discard(), item(consumed, {}, 3); }
    /// The next bytes are no message. Skipping nothing adds nothing.
    void skipped(std::uint32_t consumed, Reason reason) {
        discard();
        if (consumed) item(consumed, {}, 4 | static_cast<std::uint32_t>(reason) << 16);
    }
    /// The next bytes complete an attachment; with `own` they also are a message.
    void attached(std::uint32_t consumed, std::optional<Range> own, const Attachment &a) {
        data_.append(a.data.data(), a.data.size());
        numbers_.append(a.messages.data(), a.messages.size_bytes());
        std::array<std::uint32_t, 11> words{data_.length(), numbers_.length() / number_size, static_cast<std::uint32_t>(a.size),
                                            static_cast<std::uint32_t>(a.size >> 32),
                                            (a.created ? 1u : 0u) | (a.modified ? 2u : 0u)};
        std::size_t at = 5;
        for (std::string_view text : {a.name, a.created.value_or(""), a.modified.value_or("")}) {
            words[at++] = attachment_text_.length();
            words[at++] = static_cast<std::uint32_t>(text.size());
            attachment_text_.append(text.data(), text.size());
        }
        attachments_.append(words);
        own ? close_cell() : discard();
        // Names and dates are short; half a kilobyte stands for them.
        item(consumed, own.value_or(Range{}), own ? 2 : 1, attachment_size + a.data.size() + a.messages.size_bytes() + 512);
    }
    /// Whether it is time to return Tail::full: another item may not fit.
    bool is_full() const { return items_.size() && archived(0) + largest_ > max_; }

    /// The archive; the batch is empty then.
    std::span<std::uint8_t> finish(Tail tail) {
        discard();
        std::size_t total = archived(tail.error.size());
        if (total >= largest_archive) std::abort();
        Buffer out = std::move(text_);
        out.reserve_exactly(total);
        std::uint32_t attachment_text = out.length();
        out.append(attachment_text_);
        std::uint32_t error = out.length();
        out.append(tail.error.data(), tail.error.size());
        std::array<std::array<std::uint32_t, 2>, 6> arrays{{{0, out.length()}}};
        out.pad();
        arrays[1] = {out.length(), cells_.length() / 4};
        out.append(cells_);
        arrays[2] = {out.length(), items_.length() / item_size};
        out.append(items_);
        arrays[3] = {out.length(), data_.length()};
        out.append(data_);
        out.pad();
        arrays[4] = {out.length(), attachments_.length() / attachment_size};
        for (std::size_t at = 0; at < attachments_.size(); at += attachment_size) {
            std::array<std::uint32_t, 11> words;
            std::memcpy(words.data(), attachments_.data() + at, attachment_size);
            words[5] += attachment_text;
            words[7] = words[4] & 1 ? words[7] + attachment_text : 0;
            words[9] = words[4] & 2 ? words[9] + attachment_text : 0;
            out.append(words);
        }
        arrays[5] = {out.length(), numbers_.length() / number_size};
        out.append(numbers_);
        append_entries(out, arrays);
        out.append(std::array<std::uint32_t, 4>{tail.state, tail.needed, tail.state == Tail::failed ? error : 0,
                                                static_cast<std::uint32_t>(tail.error.size())});
        out.append("CMPA\1\0\0", 8);

        text_.reserve(std::min(out.size() + out.size() / 16, max_));
        for (Buffer *buffer : {&cells_, &items_, &attachments_, &attachment_text_, &data_, &numbers_}) buffer->resize(0);
        open_text_ = open_cells_ = cell_start_ = 0;
        return out.release();
    }

private:
    static constexpr std::size_t largest_archive = 0x7fffffff;
    static constexpr std::uint32_t item_size = 20, attachment_size = 44, number_size = 8, root_size = 72;

    std::size_t archived(std::size_t error) const {
        auto padded = [](std::size_t len) { return (len + 3) & ~std::size_t{3}; };
        std::size_t attached = attachments_.size() ? padded(data_.size()) + attachments_.size() + numbers_.size() : 0;
        return padded(text_.size() + attachment_text_.size() + error) + cells_.size() + items_.size() + attached + root_size;
    }
    void close_cell() {
        if (text_.size() > cell_start_) end_cell();
    }
    void discard() {
        text_.resize(cell_start_ = open_text_);
        cells_.resize(open_cells_);
    }
    void item(std::uint32_t consumed, Range own, std::uint32_t codes, std::size_t attached = 0) {
        std::size_t size = item_size + cells_.size() - open_cells_ + text_.size() - open_text_ + attached;
        largest_ = std::max(largest_, size);
        items_.append(std::array{consumed, own.start, own.len, cells_.length() / 4, codes});
        open_cells_ = cells_.size();
        open_text_ = cell_start_ = text_.size();
    }

    Buffer text_, cells_, items_, attachments_, attachment_text_, data_, numbers_;
    std::size_t open_text_ = 0, open_cells_ = 0, cell_start_ = 0, max_, largest_;
};

/// How a chunk ends.
struct State {
    enum Kind : std::uint32_t { more, end, retry_later } kind;
    std::uint32_t after_ms = 0; ///< to try again later: milliseconds, or 0 if that is not known

    State(Kind kind, std::uint32_t after_ms = 0) : kind(kind), after_ms(after_ms) {}
};

/// What a source read in one call.
class Chunk {
public:
    explicit Chunk(std::size_t max = 0) : max_(max) { bytes_.reserve(max + 3 + 20 + 32); }

    std::size_t size() const { return bytes_.size(); }
    /// Where to read to; then say how much that was.
    std::span<std::uint8_t> spare() const { return {bytes_.data() + bytes_.size(), max_ - bytes_.size()}; }
    void advance(std::size_t count) { bytes_.resize(bytes_.size() + count); }
    /// The bytes since the last segment are one; `timestamp` is in nanoseconds since 1970.
    void segment(std::uint32_t skipped, std::optional<std::uint64_t> timestamp) {
        std::uint64_t time = timestamp.value_or(0);
        segments_.append(std::array{bytes_.length(), skipped, timestamp ? 1u : 0u, static_cast<std::uint32_t>(time),
                                    static_cast<std::uint32_t>(time >> 32)});
        open_ = bytes_.size();
    }
    /// The archive. Bytes in no segment become one.
    std::span<std::uint8_t> finish(State state) {
        if (bytes_.size() > open_) segment(0, std::nullopt);
        std::array<std::array<std::uint32_t, 2>, 2> arrays{{{0, bytes_.length()}}};
        bytes_.pad();
        arrays[1] = {bytes_.length(), segments_.length() / 20};
        bytes_.append(segments_);
        append_entries(bytes_, arrays);
        bytes_.append(std::array<std::uint32_t, 2>{state.kind, state.after_ms});
        bytes_.append("CMSO\1\0\0", 8);
        return bytes_.release();
    }

private:
    Buffer bytes_, segments_;
    std::size_t open_ = 0, max_;
};

} // namespace chipmunk
