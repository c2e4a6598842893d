// Builds archives as a script says, for the test that compares them with the Rust payload crate's: tests/languages has the
// script's format. A parser, so that it goes the way that plugins go.
#include "chipmunk.hpp"

namespace {

class Vectors {
public:
    static constexpr std::uint16_t version[] = {0, 2, 0};
    static constexpr std::uint8_t capabilities = CHIPMUNK_CAN_RANGES;

    static std::expected<Vectors, chipmunk::Failure> make(chipmunk::Config, chipmunk::Request) { return Vectors(); }

    std::span<std::uint8_t> parse_to_archive(chipmunk::Input input, chipmunk::Batch &out) {
        script_ = input.data;
        for (;;) {
            switch (number<std::uint8_t>()) {
            case 'B': out = chipmunk::Batch(number()); break;
            case 't': out.text(text()); break;
            case 'l': out.text_lossy(bytes()); break;
            case 'c': out.end_cell(); break;
            case 'm': {
                std::uint32_t consumed = number();
                chipmunk::Range own = range();
                out.message(consumed, own, number<std::uint8_t>());
                break;
            }
            case 'f': out.filtered(number()); break;
            case 's': {
                std::uint32_t consumed = number();
                out.skipped(consumed, static_cast<chipmunk::Reason>(number<std::uint8_t>()));
                break;
            }
            case 'a': attached(out); break;
            case 'F':
                if (out.is_full()) return out.finish(chipmunk::Tail::full);
                break;
            case 'z': {
                auto state = static_cast<chipmunk::Tail::State>(number<std::uint8_t>());
                std::uint32_t needed = number();
                if (state == chipmunk::Tail::incomplete) return out.finish(chipmunk::Tail::wants(needed));
                if (state == chipmunk::Tail::failed) return out.finish(chipmunk::Tail::failure(text()));
                return out.finish(state);
            }
            case 'S': chunk_ = chipmunk::Chunk(number()); break;
            case 'b': {
                chipmunk::Bytes from = bytes();
                std::copy(from.begin(), from.end(), chunk_.spare().begin());
                chunk_.advance(from.size());
                break;
            }
            case 'k': {
                std::uint32_t skipped = number();
                bool has = number<std::uint8_t>();
                auto time = number<std::uint64_t>();
                chunk_.segment(skipped, has ? std::optional(time) : std::nullopt);
                break;
            }
            case 'Z': {
                auto kind = static_cast<chipmunk::State::Kind>(number());
                return chunk_.finish({kind, number()});
            }
            default: std::abort();
            }
        }
    }

private:
    template <class N = std::uint32_t> N number() {
        N number;
        std::memcpy(&number, script_.data(), sizeof number);
        script_ = script_.subspan(sizeof number);
        return number;
    }
    chipmunk::Bytes bytes() {
        std::uint32_t len = number();
        chipmunk::Bytes bytes = script_.first(len);
        script_ = script_.subspan(len);
        return bytes;
    }
    std::string_view text() {
        chipmunk::Bytes text = bytes();
        return {reinterpret_cast<const char *>(text.data()), text.size()};
    }
    std::optional<std::string_view> maybe() {
        if (number<std::uint8_t>()) return text();
        return std::nullopt;
    }
    chipmunk::Range range() {
        std::uint32_t start = number();
        return {start, number()};
    }
    void attached(chipmunk::Batch &out) {
        std::uint32_t consumed = number();
        bool message = number<std::uint8_t>();
        chipmunk::Range own = range();
        chipmunk::Attachment a;
        a.name = text();
        a.size = number<std::uint64_t>();
        a.created = maybe();
        a.modified = maybe();
        std::vector<std::uint64_t> numbers(number());
        for (std::uint64_t &to : numbers) to = number<std::uint64_t>();
        a.messages = numbers;
        a.data = bytes();
        out.attached(consumed, message ? std::optional(own) : std::nullopt, a);
    }

    chipmunk::Bytes script_;
    chipmunk::Chunk chunk_;
};

} // namespace

CHIPMUNK_PARSER(Vectors);
