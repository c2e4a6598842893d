// The Chipmunk plugin `text-parser`: every line is a message, whatever ends it. Its own bytes are all of it, its text is the
// line without the ending. See host/text for what a line is: this gives the same, byte for byte.
#include "chipmunk.hpp"
#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#endif

namespace {

using chipmunk::Bytes, chipmunk::Output, chipmunk::Tail;

/// Where the next `\n` or `\r` is, or the size.
std::size_t line_end(Bytes data) {
    std::size_t at = 0;
#ifdef __wasm_simd128__
    for (; at + 16 <= data.size(); at += 16) {
        v128_t bytes = wasm_v128_load(data.data() + at);
        v128_t ends = wasm_v128_or(wasm_i8x16_eq(bytes, wasm_i8x16_const_splat('\n')),
                                   wasm_i8x16_eq(bytes, wasm_i8x16_const_splat('\r')));
        if (wasm_v128_any_true(ends)) return at + static_cast<std::size_t>(__builtin_ctz(wasm_i8x16_bitmask(ends)));
    }
#endif
    while (at < data.size() && data[at] != '\n' && data[at] != '\r') at++;
    return at;
}

class TextParser {
public:
    static constexpr std::uint16_t version[] = {0, 2, 0};
    static constexpr chipmunk::Item items[] = {{
        .id = "column-split",
        .title = "Column separator",
        .description = "What stands between the columns of a line; lines are not split if it is empty.",
        .kind = CHIPMUNK_TEXT,
        .integer = 0,
        .number = 0,
        .text = nullptr,
        .options = nullptr,
    }};
    static constexpr std::uint8_t capabilities = CHIPMUNK_CAN_RANGES | CHIPMUNK_CAN_LINE | CHIPMUNK_CAN_COLUMNS;
    static constexpr chipmunk::Column columns[] = {{"Text", "The line, or its first column.", -1}};

    static std::expected<TextParser, chipmunk::Failure> make(chipmunk::Config config, chipmunk::Request request) {
        return TextParser(request.output, config.text("column-split"));
    }

    Tail parse(chipmunk::Input input, chipmunk::Batch &out) {
        for (Bytes rest = input.data; !rest.empty();) {
            if (out.is_full()) return Tail::full;
            std::size_t end = line_end(rest), ending = 0;
            if (end < rest.size()) ending = rest[end] == '\r' && end + 1 < rest.size() && rest[end + 1] == '\n' ? 2 : 1;
            // A `\r` that comes last may be half an ending.
            bool open = end == rest.size() || (rest[end] == '\r' && end + 1 == rest.size());
            if (open && !input.at_end) return Tail::incomplete;
            cells(rest.first(end), out);
            auto len = static_cast<std::uint32_t>(end + ending);
            out.message(len, {0, len});
            rest = rest.subspan(len);
        }
        return Tail::complete;
    }

private:
    TextParser(Output output, std::string separator) : output_(output), separator_(std::move(separator)) {}

    void cells(Bytes line, chipmunk::Batch &out) const {
        if (output_ == Output::ranges) return;
        if (output_ == Output::columns && !separator_.empty()) {
            std::string_view rest(reinterpret_cast<const char *>(line.data()), line.size());
            for (std::size_t at; (at = rest.find(separator_)) != rest.npos; rest.remove_prefix(at + separator_.size())) {
                out.text_lossy(line.subspan(line.size() - rest.size(), at));
                out.end_cell();
            }
            line = line.last(rest.size());
        }
        out.text_lossy(line);
        out.end_cell();
    }

    Output output_;
    std::string separator_;
};

} // namespace

CHIPMUNK_PARSER(TextParser);
