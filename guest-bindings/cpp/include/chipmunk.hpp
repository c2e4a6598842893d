// Write Chipmunk plugins in C++. A plugin is a class, and one line, CHIPMUNK_PARSER(Class) or CHIPMUNK_SOURCE(Class):
//
// - `static constexpr std::uint16_t version[3]`; if wanted `static constexpr chipmunk::Item items[]`; `capabilities`;
//   for columns `static constexpr chipmunk::Column columns[]`;
// - `static std::expected<Class, chipmunk::Failure> make(chipmunk::Config, chipmunk::Request)` (a source's has no request);
// - `chipmunk::Tail parse(chipmunk::Input, chipmunk::Batch &)`, or
//   `std::expected<chipmunk::State, chipmunk::Failure> read(chipmunk::Chunk &)`.
//
// Underneath is chipmunk.h of guest-bindings/c.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "chipmunk.h"
#include "chipmunk_archive.hpp"

namespace chipmunk {

using Item = chipmunk_item;
using Column = chipmunk_column;
enum class Output { ranges, line, columns };

/// What the host wants of a parser.
struct Request { Output output; std::uint32_t max_archive_bytes; };

struct Input {
    Bytes data; ///< begins where the last batch stopped consuming
    std::optional<std::uint64_t> timestamp; ///< nanoseconds since 1970
    bool at_end; ///< nothing will follow
};

/// Why a plugin was not made, or could not read; the text is shown to the user.
struct Failure {
    enum Kind { config, io, unsupported, other } kind;
    std::string text;
};

/// `return chipmunk::fail(Failure::io, path + " cannot be opened");`
inline std::unexpected<Failure> fail(Failure::Kind kind, std::string text) {
    return std::unexpected(Failure{kind, std::move(text)});
}

enum class Level { error, warn, info, debug, trace };
/// Writes a line to the host's log, if its level is wanted.
inline void log(Level level, const std::string &line) {
    chipmunk_log(static_cast<chipmunk_level>(level), line.c_str(), static_cast<const char *>(nullptr));
}

/// The user's values. Of an item that is missing or of another kind, the value is 0, false or nothing.
class Config {
public:
    explicit Config(const chipmunk_config *config) : config_(config) {}
    bool boolean(const char *id) const { return chipmunk_boolean(config_, id); }
    std::int32_t integer(const char *id) const { return chipmunk_integer(config_, id); }
    float number(const char *id) const { return chipmunk_float(config_, id); }
    /// A text, or the option of a dropdown.
    std::string text(const char *id) const { return string(chipmunk_string(config_, id)); }
    /// Files or directories.
    std::vector<std::string> paths(const char *id) const {
        std::vector<std::string> all;
        for (std::size_t at = 0; at < chipmunk_paths(config_, id); at++) all.push_back(string(chipmunk_path(config_, id, at)));
        return all;
    }

private:
    static std::string string(chipmunk_str text) { return {reinterpret_cast<const char *>(text.ptr), text.len}; }
    const chipmunk_config *config_;
};

namespace glue {

template <class T> std::span<const Item> items() {
    if constexpr (requires { T::items; }) return T::items;
    else return {};
}
template <class T> std::span<const Column> columns() {
    if constexpr (requires { T::columns; }) return T::columns;
    else return {};
}
template <class T> constexpr std::uint8_t capabilities() {
    if constexpr (requires { T::capabilities; }) return T::capabilities;
    else return 0;
}
inline bool failed(const Failure &failure, chipmunk_failure *to) {
    return chipmunk_fail(to, failure.kind, failure.text.c_str(), static_cast<const char *>(nullptr));
}
inline chipmunk_bytes bytes(std::span<std::uint8_t> archive) { return {archive.data(), archive.size()}; }

template <class P> struct ParserPlugin {
    static inline std::optional<P> parser;
    static inline Batch batch;

    static bool init(const chipmunk_config *config, chipmunk_output output, std::uint32_t max, chipmunk_failure *failure) {
        auto made = P::make(Config(config), Request{static_cast<Output>(output), max});
        if (!made) return failed(made.error(), failure);
        batch = Batch(max);
        parser.emplace(std::move(*made));
        return true;
    }
    static chipmunk_bytes parse(chipmunk_input input) {
        Input given{{input.data, input.len}, {}, input.at_end};
        if (input.timestamp) given.timestamp = *input.timestamp;
        if constexpr (requires { parser->parse_to_archive(given, batch); }) return bytes(parser->parse_to_archive(given, batch));
        else return bytes(batch.finish(parser->parse(given, batch)));
    }
};

template <class S> struct SourcePlugin {
    static inline std::optional<S> source;

    static bool init(const chipmunk_config *config, chipmunk_failure *failure) {
        auto made = S::make(Config(config));
        if (!made) return failed(made.error(), failure);
        source.emplace(std::move(*made));
        return true;
    }
    static bool read(std::size_t len, chipmunk_bytes *archive, chipmunk_failure *failure) {
        Chunk chunk(len);
        auto state = source->read(chunk);
        if (!state) return failed(state.error(), failure);
        *archive = bytes(chunk.finish(*state));
        return true;
    }
};

} // namespace glue
} // namespace chipmunk

/// Makes a class the plugin of this component. Once, outside every namespace.
#define CHIPMUNK_PARSER(P)                                                                                              \
    const chipmunk_parser chipmunk_parser_plugin = {                                                                    \
        {P::version[0], P::version[1], P::version[2]}, chipmunk::glue::items<P>().data(), chipmunk::glue::items<P>().size(), \
        chipmunk::glue::capabilities<P>(), chipmunk::glue::columns<P>().data(), chipmunk::glue::columns<P>().size(), 3, 1000, \
        chipmunk::glue::ParserPlugin<P>::init, chipmunk::glue::ParserPlugin<P>::parse}
#define CHIPMUNK_SOURCE(S)                                                                                              \
    const chipmunk_source chipmunk_source_plugin = {                                                                    \
        {S::version[0], S::version[1], S::version[2]}, chipmunk::glue::items<S>().data(), chipmunk::glue::items<S>().size(), \
        chipmunk::glue::capabilities<S>(), chipmunk::glue::SourcePlugin<S>::init, chipmunk::glue::SourcePlugin<S>::read}
